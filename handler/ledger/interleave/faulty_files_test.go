package interleave_test

import (
	"context"
	"io"
	"iter"

	"github.com/fleetscore/fleetscore/handler/blob"
)

// faultyFiles are the blobs as a flow sees them.
type faultyFiles struct{ *flow }

func (b faultyFiles) Stat(ctx context.Context, container, name string) (info blob.Info, err error) {
	err = b.do("stat "+name, func() error {
		info, err = b.blobs.Stat(ctx, container, name)
		return err
	})
	return info, err
}

func (b faultyFiles) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (info blob.Info, err error) {
	var content []byte
	err = b.do("begin "+name, func() error { return nil })
	if err == nil {
		err = fill(writerFunc(func(p []byte) (int, error) {
			content = append(content, p...)
			return len(p), nil
		}))
	}
	if err != nil {
		return blob.Info{}, err
	}
	if b.off == etagOff && container == blob.Preds || b.off == manifestMatchOff && name == manifestName {
		cond = ""
	}
	err = b.do("write "+name, func() error {
		info, err = b.blobs.Write(ctx, container, name, cond, contentType, func(w io.Writer) error {
			_, err := w.Write(content)
			return err
		})
		return err
	})
	return info, err
}

func (b faultyFiles) Read(ctx context.Context, container, name, etag string, limit int64) (content []byte, info blob.Info, err error) {
	err = b.do("read "+name, func() error {
		content, info, err = b.blobs.Read(ctx, container, name, etag, limit)
		return err
	})
	return content, info, err
}

func (b faultyFiles) List(ctx context.Context, container, prefix string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		if err := b.do("list "+container, func() error { return nil }); err != nil {
			yield(blob.Info{}, err)
			return
		}
		for info, err := range b.blobs.List(ctx, container, prefix) {
			if !yield(info, err) {
				return
			}
		}
	}
}

func (b faultyFiles) Delete(ctx context.Context, container, name string) error {
	return b.do("delete "+name, func() error { return b.blobs.Delete(ctx, container, name) })
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

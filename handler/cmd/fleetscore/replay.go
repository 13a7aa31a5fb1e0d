package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/ingest"
)

func replayCommand(c console) *cobra.Command {
	var capture, done string
	var again, asJSON bool
	cmd := &cobra.Command{
		Use:   "replay --capture PATH|URL",
		Short: "Ingest the files of Event Hubs Capture again",
		Long: `Ingest the events in files of Event Hubs Capture (Avro) again. The tick reads them with
the present mapping and rules, and with the properties that hub and sender gave them.
Readings that are stored already change nothing. New readings that are late re-open
the runs over their windows.

PATH is a file, or a folder with all files below it. URL is a container of blobs, or a
prefix of their names: https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX. The
command reads it with the identity of the user who is signed in, or with a shared
access signature at its end (?sv=…&sig=…), which must allow reading and listing.

The command notes in a file which files are done. If it is interrupted, start it
again: it goes on with the others. It waits while the application has too much to do.`,
		Example: `  fleetscore replay --capture capture/readings/0/2026/11
  azd exec go run ./handler/cmd/fleetscore replay --capture https://stcapture.blob.core.windows.net/capture/evhns/readings`,
		Args: arguments(),
	}
	cmd.Flags().StringVar(&capture, "capture", "", "files of Event Hubs Capture: a file, a folder, or an address of blobs")
	cmd.Flags().StringVar(&done, "done", "", "file that notes which files are done (default: a file for each source in ~/.local/state)")
	cmd.Flags().BoolVar(&again, "again", false, "ingest all files, also those that are noted as done")
	jsonFlag(cmd, &asJSON)
	open := c.storageFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if capture == "" {
			return usageError{fmt.Errorf("--capture is missing: name a file, a folder or an address of blobs")}
		}
		files, err := c.captured(cmd.Context(), capture)
		if err != nil {
			return err
		}
		defer files.close()
		storage, err := open()
		if err != nil {
			return err
		}
		defer storage.Close()
		if done == "" {
			done = c.doneFile(capture, storage.BlobURL())
		}
		sum, err := c.replay(cmd.Context(), files, storage.Blobs(), done, again)
		if asJSON {
			return errors.Join(err, c.writeJSON(sum))
		}
		fmt.Fprintf(c.out, "%d events of %d files go to ingest with the next tick; %d files were done before\n", sum.Events, sum.Files, sum.Before)
		return err
	}
	return cmd
}

// replayedFiles is the output of replay --json.
type replayedFiles struct {
	Files  int `json:"files"`  // files that this command did
	Before int `json:"before"` // files that were done before
	Events int `json:"events"`
}

// capturedFiles are files of Capture on disk or in Blob storage.
type capturedFiles struct {
	names iter.Seq2[string, error]
	read  func(ctx context.Context, name string) (io.ReadCloser, error)
	close func()
}

// captured returns the files at a path or address.
func (c console) captured(ctx context.Context, at string) (capturedFiles, error) {
	if !strings.HasPrefix(at, "https://") && !strings.HasPrefix(at, "http://") {
		return folderOf(at)
	}
	connection, container, prefix, err := azure.ReadAddress(at)
	if err != nil {
		return capturedFiles{}, usageError{fmt.Errorf("--capture: %w", err)}
	}
	storage, err := azure.Open(connection)
	if err != nil {
		return capturedFiles{}, err
	}
	blobs := storage.Blobs()
	return capturedFiles{
		close: storage.Close,
		names: func(yield func(string, error) bool) {
			found := false
			for info, err := range blobs.List(ctx, container, prefix) {
				found = found || strings.HasSuffix(info.Name, ".avro")
				if (err != nil || strings.HasSuffix(info.Name, ".avro")) && !yield(info.Name, err) {
					return
				}
			}
			if !found {
				yield("", fmt.Errorf("container %s has no blob %s….avro", container, prefix))
			}
		},
		read: func(ctx context.Context, name string) (io.ReadCloser, error) {
			content, _, err := blobs.Read(ctx, container, name, "", maxCaptured)
			return io.NopCloser(bytes.NewReader(content)), err
		},
	}, nil
}

// maxCaptured is the largest file in bytes. Capture begins a new file at 500 MB.
const maxCaptured = 1 << 30

// folderOf returns the files at a path, in the order of their names.
func folderOf(at string) (capturedFiles, error) {
	var names []string
	err := filepath.WalkDir(at, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (name == at || strings.HasSuffix(name, ".avro")) {
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		return capturedFiles{}, err
	}
	if len(names) == 0 {
		return capturedFiles{}, fmt.Errorf("%s has no file NAME.avro", at)
	}
	slices.Sort(names)
	return capturedFiles{
		close: func() {},
		names: func(yield func(string, error) bool) {
			for _, name := range names {
				if !yield(name, nil) {
					return
				}
			}
		},
		read: func(_ context.Context, name string) (io.ReadCloser, error) { return os.Open(filepath.FromSlash(name)) },
	}, nil
}

// doneFile returns the path of the file that notes which files of a source are done. The
// account is the storage account of the application.
func (c console) doneFile(source, account string) string {
	state := c.getenv("XDG_STATE_HOME")
	if state == "" {
		state = filepath.Join(c.getenv("HOME"), ".local", "state")
	}
	source, _, _ = strings.Cut(source, "?") // without the signature, which changes
	sum := sha256.Sum256([]byte(source + "\n" + account))
	return filepath.Join(state, "fleetscore", fmt.Sprintf("replay-%x.txt", sum[:8]))
}

// replay ingests files again, and notes each that is done.
func (c console) replay(ctx context.Context, files capturedFiles, blobs blob.Store, done string, again bool) (sum replayedFiles, err error) {
	flags := os.O_RDWR | os.O_CREATE | os.O_APPEND
	if again {
		flags |= os.O_TRUNC
	}
	if err := os.MkdirAll(filepath.Dir(done), 0o700); err != nil {
		return sum, err
	}
	notes, err := os.OpenFile(done, flags, 0o600)
	if err != nil {
		return sum, err
	}
	defer notes.Close()
	known := map[string]bool{}
	lines := bufio.NewScanner(notes)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		known[lines.Text()] = true
	}
	if err := lines.Err(); err != nil {
		return sum, err
	}
	bar := c.progress("replaying events", -1)
	defer bar.end()
	to := ingest.Capture{Files: blobs, Wait: func(ctx context.Context) error { return waitForTick(ctx, blobs) }}
	for name, err := range files.names {
		if err != nil {
			return sum, err
		}
		if known[name] {
			sum.Before++
			continue
		}
		in, err := files.read(ctx, name)
		if err != nil {
			return sum, err
		}
		n, err := to.Replay(ctx, name, in)
		in.Close()
		sum.Events += n
		bar.add(n)
		if err != nil {
			return sum, err
		}
		if _, err := fmt.Fprintln(notes, name); err != nil {
			return sum, err
		}
		sum.Files++
	}
	return sum, nil
}

// waitForTick waits while a hundred batches or more are in the container spill. The tick
// takes minutes to store so many.
func waitForTick(ctx context.Context, blobs blob.Store) error {
	const most, pause = 100, 5 * time.Second
	for {
		n := 0
		for _, err := range blobs.List(ctx, blob.Spill, "") {
			if err != nil {
				return err
			}
			if n++; n == most {
				break
			}
		}
		if n < most {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

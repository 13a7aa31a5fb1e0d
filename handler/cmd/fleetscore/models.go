package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/publish"
)

func modelsCommand(c console) *cobra.Command {
	return group("models", "Inspect, try, verify and publish models",
		inspectCommand(c), predictCommand(c), verifyCommand(c), publishCommand(c), listModelsCommand(c), rollbackCommand(c))
}

// modelFile is a model read from a file.
type modelFile struct {
	*artifact.Model
	size   int
	sha256 string
}

// loadModel reads a model; it is data, and nothing in it runs.
//
// The features file says of its steps and its threshold; it may be nil.
func loadModel(name string, spec *features.Spec) (modelFile, error) {
	info, err := os.Stat(name)
	if err != nil {
		return modelFile{}, err
	}
	if info.IsDir() {
		m, err := artifact.LoadFolder(os.DirFS(name), spec)
		if err != nil {
			return modelFile{}, fmt.Errorf("%s: %w", name, err)
		}
		return modelFile{Model: m}, nil
	}
	if info.Size() > publish.MaxSize {
		return modelFile{}, fmt.Errorf("%s: %d MB are more than the %d MB that a model may have", name, info.Size()>>20, publish.MaxSize>>20)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return modelFile{}, err
	}
	m, err := artifact.Load(data, spec)
	if err != nil {
		return modelFile{}, fmt.Errorf("%s: %w", name, err)
	}
	sum := sha256.Sum256(data)
	return modelFile{m, len(data), hex.EncodeToString(sum[:])}, nil
}

// storageFlag adds --storage and returns what opens the account it names. The
// setting DataStorage, in any of its forms, is its default.
func (c console) storageFlag(cmd *cobra.Command) func() (*azure.Storage, error) {
	var text string
	cmd.Flags().StringVar(&text, "storage", "", "connection string of the storage account (default: the setting DataStorage)")
	return func() (*azure.Storage, error) { return c.storage(text) }
}

// storage opens the account of a connection string, or that of the settings.
func (c console) storage(text string) (*azure.Storage, error) {
	connection, err := azure.ReadConnection("DataStorage", func(name string) string {
		if name == "DataStorage" && text != "" {
			return text
		}
		return c.setting(name)
	})
	if err != nil {
		return nil, err
	}
	return azure.Open(connection)
}

// writeBlob writes a blob, whatever was there before.
func writeBlob(ctx context.Context, blobs blob.Store, container, name, contentType string, content []byte) error {
	_, err := blobs.Write(ctx, container, name, "", contentType, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	return err
}

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
		inspectCommand(c), predictCommand(c), verifyCommand(c), publishCommand(c), listModelsCommand(c), rollbackCommand(c), removeCommand(c))
}

// modelFile is a model read from a file or folder.
type modelFile struct {
	*artifact.Model
	size   int    // of the file, in bytes; 0 for a folder
	sha256 string // of the file, in hexadecimal; empty for a folder
}

// loadModel reads a model from a file or folder. Nothing in it is run. spec may be nil;
// it may name a threshold and other steps of the model.
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
		return modelFile{}, fmt.Errorf("%s: %d MB, but a model may have at most %d MB", name, info.Size()>>20, publish.MaxSize>>20)
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

// storageFlag adds --storage, and returns a function that opens the account it names.
// The default is the setting DataStorage: a connection string, or addresses.
func (c console) storageFlag(cmd *cobra.Command) func() (*azure.Storage, error) {
	var text string
	cmd.Flags().StringVar(&text, "storage", "", "connection string of the storage account (default: the setting DataStorage)")
	return func() (*azure.Storage, error) { return c.storage(text) }
}

// storage opens the account of a connection string, or of the settings if it is empty.
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

// writeBlob writes a blob, and replaces one of the same name.
func writeBlob(ctx context.Context, blobs blob.Store, container, name, contentType string, content []byte) error {
	_, err := blobs.Write(ctx, container, name, "", contentType, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	return err
}

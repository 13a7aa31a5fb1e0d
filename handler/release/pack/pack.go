// Package pack makes the package that Azure runs: a zip file with host.json, the functions' folders
// and the handler.
//
// The same commit gives the same bytes, in any folder and on any system. The package's name is the
// hash of its content, so releasing the same content again changes nothing. The handler has the
// commit stamped in, but no tags, which are not the same in every clone.
package pack

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Package is a package.
type Package struct {
	Zip       []byte
	Functions []string // the names of its functions, sorted
}

// Name returns the package's name: the SHA-256 of its content in hex, and .zip, which the platform
// requires.
func (p Package) Name() string { return fmt.Sprintf("%x.zip", sha256.Sum256(p.Zip)) }

// Build compiles the handler of the module in root for Azure, and packs it.
func Build(ctx context.Context, root string) (Package, error) {
	dir, err := os.MkdirTemp("", "fleetscore-package-")
	if err != nil {
		return Package{}, err
	}
	defer os.RemoveAll(dir)
	handler := filepath.Join(dir, "handler")
	commit, err := Commit(ctx, root)
	if err != nil {
		return Package{}, err
	}
	// -trimpath keeps the folder's path out of the binary.
	flags := "-ldflags=-s -w -buildid= -X github.com/fleetscore/fleetscore/handler/version.commit=" + commit
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", flags, "-o", handler, "./handler/cmd/handler")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return Package{}, fmt.Errorf("build the handler: %w\n%s", err, out)
	}
	binary, err := os.ReadFile(handler)
	if err != nil {
		return Package{}, err
	}
	if err := checkBinary(binary); err != nil {
		return Package{}, err
	}
	return archive(os.DirFS(root), binary)
}

// sources are the files and folders that a package is made from.
var sources = []string{"handler", "functions", "host.json", "go.mod", "go.sum"}

// Commit returns the commit of the sources in root. If they differ from it, "-dirty" follows. It is ""
// if they are in no repository.
func Commit(ctx context.Context, root string) (string, error) {
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...)
		cmd.Env = append(os.Environ(), "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0")
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	if _, err := git("rev-parse", "--verify", "--quiet", "HEAD:./go.mod"); err != nil {
		return "", ctx.Err() // sources without their repository, or no git
	}
	commit, err := git("rev-parse", "HEAD")
	if err != nil {
		return "", fmt.Errorf("ask git for the commit: %w", err)
	}
	changed, err := git(append([]string{"status", "--porcelain", "--"}, sources...)...)
	if err != nil {
		return "", fmt.Errorf("ask git for what has changed since %s: %w", commit, err)
	}
	if changed != "" {
		commit += "-dirty"
	}
	return commit, nil
}

// checkBinary returns an error if Azure cannot run the binary.
func checkBinary(binary []byte) error {
	f, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		return fmt.Errorf("the handler is no Linux binary: %w", err)
	}
	if f.Machine != elf.EM_X86_64 || f.Class != elf.ELFCLASS64 {
		return fmt.Errorf("the handler is built for %v, not for amd64", f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("the handler is not static: it was built with cgo")
		}
	}
	return nil
}

// archive makes the zip file of the handler, and of host.json and the functions in root.
func archive(root fs.FS, handler []byte) (Package, error) {
	var p Package
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestCompression) })
	files, err := fs.Glob(root, "functions/*/function.json")
	if err != nil {
		return p, err
	}
	if len(files) == 0 {
		return p, fmt.Errorf("no functions/*/function.json here: run it where go.mod is")
	}
	if err := addFile(w, root, "host.json", "host.json"); err != nil {
		return p, err
	}
	for _, file := range files { // Glob sorts
		name := strings.TrimPrefix(file, "functions/")
		if err := addFile(w, root, file, name); err != nil {
			return p, err
		}
		p.Functions = append(p.Functions, strings.TrimSuffix(name, "/function.json"))
	}
	if err := add(w, "handler", 0o755, handler); err != nil {
		return p, err
	}
	if err := w.Close(); err != nil {
		return p, err
	}
	p.Zip = b.Bytes()
	return p, nil
}

func addFile(w *zip.Writer, root fs.FS, file, name string) error {
	content, err := fs.ReadFile(root, file)
	if err != nil {
		return err
	}
	return add(w, name, 0o644, content)
}

// add writes an entry with its mode, because Elastic Premium does not make the handler executable.
// The entry's time is the earliest that a zip file can have.
func add(w *zip.Writer, name string, mode fs.FileMode, content []byte) error {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	h.SetMode(mode)
	entry, err := w.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = entry.Write(content)
	return err
}

// Mutants plants each fault of faults.json in a copy of the project, runs the
// short tests of the packages concerned, and lists the faults that no test
// notices.
//
//	go run ./handler/mutants [-parallel n] [-own] [ID …]
//
// A fault replaces the first place of a text in a file by another text. One
// whose text is no longer there is an error: the code has changed, and the fault
// has to be planted anew. The package that the fault is in is tested first, and
// the others where its tests pass; with -own they are left out.
//
// The tests have to pass before a fault is planted.
package main

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/fleetscore/fleetscore/handler/spawn"
)

//go:embed faults.json
var list []byte

// fault is a row of faults.json.
type fault struct {
	ID       string   `json:"id"`
	File     string   `json:"file"` // below handler
	Old      string   `json:"old"`
	New      string   `json:"new"`
	Packages []string `json:"packages"` // whose tests should notice, below handler: first the file's own
	// Equivalent says why the program does the same with the fault. Such a one
	// is planted too, but may survive.
	Equivalent string `json:"equivalent,omitempty"`
}

func main() {
	parallel := flag.Int("parallel", 2, "copies of the project that are tested at a time")
	own := flag.Bool("own", false, "test only the package that the fault is in")
	flag.Parse()
	if err := run(*parallel, *own, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(parallel int, own bool, only []string) error {
	var faults []fault
	if err := json.Unmarshal(list, &faults); err != nil {
		return fmt.Errorf("read faults.json: %w", err)
	}
	if len(only) > 0 {
		faults = slices.DeleteFunc(faults, func(f fault) bool { return !slices.Contains(only, f.ID) })
	}
	if len(faults) == 0 {
		return fmt.Errorf("faults.json has none of %s", strings.Join(only, ", "))
	}
	waiting := make(chan fault, len(faults))
	var packages []string
	for _, f := range faults {
		if own {
			f.Packages = f.Packages[:1]
		}
		packages = append(packages, f.Packages...)
		waiting <- f
	}
	close(waiting)
	slices.Sort(packages)
	packages = slices.Compact(packages)
	var (
		sound          sync.Once
		unsound        error
		mu             sync.Mutex
		killed, failed int
		g              spawn.Group
	)
	for range min(parallel, len(faults)) {
		g.Start(func() error {
			dir, err := os.MkdirTemp("", "mutants-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			if err := copyProject(dir); err != nil {
				return err
			}
			sound.Do(func() { unsound = passes(dir, packages) })
			if unsound != nil {
				return unsound
			}
			for f := range waiting {
				noticed, err := f.try(dir)
				mu.Lock()
				switch {
				case err != nil:
					failed++
					fmt.Printf("%s %s: %v\n", f.ID, f.File, err)
				case noticed:
					killed++
				case f.Equivalent == "":
					failed++
					fmt.Printf("%s %s SURVIVES\n", f.ID, f.File)
				default:
					fmt.Printf("%s %s survives: %s\n", f.ID, f.File, f.Equivalent)
				}
				mu.Unlock()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	fmt.Printf("%d of %d noticed\n", killed, len(faults))
	if failed > 0 {
		return fmt.Errorf("%d faults survive or cannot be planted", failed)
	}
	return nil
}

// copyProject copies what git knows of the project in the working folder.
func copyProject(to string) error {
	out, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return fmt.Errorf("list the project's files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		content, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and git not told yet
		}
		if err != nil {
			return err
		}
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// try plants f in the copy at dir, and takes it out again. It reports whether a
// test fails, or the code does not compile.
func (f fault) try(dir string) (noticed bool, err error) {
	path := filepath.Join(dir, "handler", filepath.FromSlash(f.File))
	before, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	after, err := f.plant(string(before))
	if err != nil {
		return false, err
	}
	if err := os.WriteFile(path, []byte(after), 0o644); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.WriteFile(path, before, 0o644)) }()
	for _, packages := range [][]string{f.Packages[:1], f.Packages[1:]} {
		if len(packages) == 0 {
			continue
		}
		if failure, err := test(dir, packages); err != nil || failure != "" {
			return failure != "", err
		}
	}
	return false, nil
}

// test runs the short tests of packages in the copy at dir. It returns what they
// print if one fails, or the code does not compile.
func test(dir string, packages []string) (failure string, err error) {
	args := []string{"test", "-short", "-count=1", "-timeout", "150s", "-failfast", "-vet=off", "-trimpath"} // -trimpath: the copies share what they compile
	for _, p := range packages {
		args = append(args, "./handler/"+p)
	}
	test := exec.Command("go", args...)
	test.Dir = dir
	out, err := test.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return cmp.Or(string(out), exit.Error()), nil
	}
	return "", err
}

// passes reports what is wrong with the copy at dir, in which nothing is planted.
func passes(dir string, packages []string) error {
	failure, err := test(dir, packages)
	if err == nil && failure != "" {
		err = fmt.Errorf("tests fail before a fault is planted:\n%s", failure)
	}
	return err
}

func (f fault) plant(text string) (string, error) {
	if !strings.Contains(text, f.Old) {
		return "", fmt.Errorf("the text %q is not there any more: plant the fault anew in faults.json", f.Old)
	}
	return strings.Replace(text, f.Old, f.New, 1), nil
}

package infra

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fleetscore/fleetscore/handler/needs"
)

// bicep is one process of the Bicep CLI that answers all questions of the tests,
// one after the other: starting it takes longer than an answer.
var bicep struct {
	mu      sync.Mutex
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	asked   int
	temp    string // where it leaves its profile
}

func TestMain(m *testing.M) {
	var err error
	if bicep.temp, err = os.MkdirTemp("", "bicep-"); err != nil {
		panic(err)
	}
	code := m.Run()
	if bicep.process != nil {
		_ = bicep.in.Close() // which ends it
		_ = bicep.process.Wait()
	}
	os.RemoveAll(bicep.temp)
	os.Exit(code)
}

// askBicep calls a method of the CLI by JSON-RPC, and decodes its result.
func askBicep(t *testing.T, method string, params, result any) {
	t.Helper()
	path := needs.Tool(t, "bicep", "install the Bicep CLI, by az bicep install or from its releases")
	bicep.mu.Lock()
	defer bicep.mu.Unlock()
	if bicep.process == nil {
		cmd := exec.Command(path, "jsonrpc", "--stdio")
		cmd.Env, cmd.Stderr = append(withoutAzure(os.Environ()), "TMPDIR="+bicep.temp), os.Stderr
		in, err := cmd.StdinPipe()
		must(t, err)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		bicep.process, bicep.in, bicep.out = cmd, in, bufio.NewReader(out)
	}
	bicep.asked++
	request, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": bicep.asked, "method": method, "params": params})
	must(t, err)
	_, err = fmt.Fprintf(bicep.in, "Content-Length: %d\r\n\r\n%s", len(request), request)
	must(t, err)
	header, err := textproto.NewReader(bicep.out).ReadMIMEHeader()
	must(t, err)
	n, err := strconv.Atoi(header.Get("Content-Length"))
	must(t, err)
	answer := make([]byte, n)
	_, err = io.ReadFull(bicep.out, answer)
	must(t, err)
	reply := struct {
		Result any
		Error  json.RawMessage
	}{Result: result}
	must(t, json.Unmarshal(answer, &reply))
	if reply.Error != nil {
		t.Fatalf("%s %v: %s", method, params, reply.Error)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// predict returns the snapshot of a parameter file.
func predict(t *testing.T, path string) string {
	t.Helper()
	var result struct{ Snapshot string }
	askBicep(t, "bicep/getSnapshot", map[string]any{"path": absolute(t, path),
		"metadata": map[string]string{"subscriptionId": "00000000-0000-0000-0000-000000000001", "location": "westeurope"}}, &result)
	return result.Snapshot
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	must(t, err)
	return path
}

// TestLint checks that the templates give no error and no warning. A wrong property of a
// resource is only a warning.
func TestLint(t *testing.T) {
	var result struct {
		Success     bool
		Diagnostics []json.RawMessage
	}
	askBicep(t, "bicep/compile", map[string]string{"path": absolute(t, filepath.Join(dir, "main.bicep"))}, &result)
	if !result.Success || len(result.Diagnostics) > 0 {
		t.Errorf("success %v, %s", result.Success, result.Diagnostics)
	}
}

// TestSnapshotsAreCurrent evaluates each shape anew. To renew the snapshot of a
// parameter file: bicep snapshot FILE --mode overwrite --location westeurope
// --subscription-id 00000000-0000-0000-0000-000000000001.
func TestSnapshotsAreCurrent(t *testing.T) {
	for _, shape := range shapes {
		t.Run(filepath.Base(shape), func(t *testing.T) {
			file, err := os.ReadFile(filepath.Join(dir, shape+".snapshot.json"))
			must(t, err)
			var want, got any
			must(t, json.Unmarshal(file, &want))
			must(t, json.Unmarshal([]byte(predict(t, filepath.Join(dir, shape+".bicepparam"))), &got))
			if !reflect.DeepEqual(want, got) {
				t.Error("the snapshot is not what the templates give: renew it, and look at the difference")
			}
		})
	}
}

// withoutAzure drops what the parameter files would read.
func withoutAzure(env []string) []string {
	var rest []string
	for _, v := range env {
		if !strings.HasPrefix(v, "AZURE_") && !strings.HasPrefix(v, "FLEETSCORE_") && !strings.HasPrefix(v, "APP_PACKAGE=") {
			rest = append(rest, v)
		}
	}
	return rest
}

// TestDescriptions checks that every parameter and output has a description.
func TestDescriptions(t *testing.T) {
	declared := regexp.MustCompile(`(?m)^(param|output) (\w+)`)
	decorated := regexp.MustCompile(`(?m)^@description\('.+'\)\n(?:@\w+\(.*\)\n)*(param|output) (\w+)`)
	files := 0
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".bicep" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		described := map[string]bool{}
		for _, m := range decorated.FindAllStringSubmatch(string(text), -1) {
			described[m[2]] = true
		}
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			if !described[m[2]] {
				t.Errorf("%s: %s %s has no description", path, m[1], m[2])
			}
		}
		return nil
	})
	if err != nil || files < 10 {
		t.Fatalf("%d files: %v", files, err)
	}
}

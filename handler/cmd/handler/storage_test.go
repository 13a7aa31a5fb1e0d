package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// storage stands in for an account of blobs and queues, since Azurite would be slower than
// what is measured. It answers the few requests that a run makes, keeps in memory what is
// written, and gives every sensor its own model.
type storage struct {
	server   *httptest.Server
	blobs    blob.Memory
	model    []byte
	sensors  int
	messages chan string // what was sent to the queue
	watched  string      // path of a blob
	written  chan []byte // its content

	mu       sync.Mutex
	requests []string // to blobs: methods and paths
}

func newStorage(t testing.TB, sensors int, watched string) *storage {
	s := &storage{model: simulate.Kinds[0].Model(), sensors: sensors, messages: make(chan string, 1<<16), watched: watched, written: make(chan []byte, 1)}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

func (s *storage) connection() string {
	return "BlobEndpoint=" + s.server.URL + "/blob;QueueEndpoint=" + s.server.URL + "/queue;SharedAccessSignature=sv=1"
}

// ServeHTTP implements http.Handler.
func (s *storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rest, ok := strings.CutPrefix(r.URL.Path, "/queue/"); ok {
		s.queue(w, r, rest)
		return
	}
	rest := strings.TrimPrefix(r.URL.Path, "/blob/")
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+rest)
	s.mu.Unlock()
	container, name, _ := strings.Cut(rest, "/")
	switch {
	case name == "" && container == blob.Models:
		s.list(w, r)
	case name == "": // a list, of spilled batches: there are none
		notFound(w, "ContainerNotFound")
	case r.Method == http.MethodPut && r.URL.RawQuery == "sv=1":
		s.write(w, r, container, name)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		s.read(w, r, container, name)
	default:
		w.WriteHeader(http.StatusNotImplemented)
	}
}

// asked returns the requests to blobs since it was called last.
func (s *storage) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.requests
	s.requests = nil
	return all
}

// list lists the sensors' models, in pages as storage does.
func (s *storage) list(w http.ResponseWriter, r *http.Request) {
	const page = 5000
	from, _ := strconv.Atoi(r.URL.Query().Get("marker"))
	to := min(from+page, s.sensors)
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprint(w, "<EnumerationResults><Blobs>")
	for i := from; i < to; i++ {
		fmt.Fprintf(w, "<Blob><Name>%s.pkl</Name><Properties><Content-Length>%d</Content-Length><Etag>1</Etag></Properties></Blob>", sensorID(i).Path(), len(s.model))
	}
	for info := range s.blobs.List(r.Context(), blob.Models, "") {
		if from == 0 {
			fmt.Fprintf(w, "<Blob><Name>%s</Name><Properties><Content-Length>%d</Content-Length><Etag>%s</Etag></Properties></Blob>", info.Name, info.Size, info.ETag)
		}
	}
	fmt.Fprint(w, "</Blobs><NextMarker>")
	if to < s.sensors {
		fmt.Fprint(w, to)
	}
	fmt.Fprint(w, "</NextMarker></EnumerationResults>")
}

// queue takes messages. It says that it is empty, as messages are delivered at once.
func (s *storage) queue(w http.ResponseWriter, r *http.Request, rest string) {
	if r.Method != http.MethodPost || path.Base(rest) != "messages" {
		w.Header().Set("x-ms-approximate-messages-count", "0")
		return
	}
	var message struct{ MessageText string }
	if err := xml.NewDecoder(r.Body).Decode(&message); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.messages <- message.MessageText
	w.WriteHeader(http.StatusCreated)
	io.WriteString(w, "<QueueMessagesList></QueueMessagesList>")
}

func (s *storage) read(w http.ResponseWriter, r *http.Request, container, name string) {
	content, info, err := s.blobs.Read(r.Context(), container, name, "", 1<<30)
	if own := path.Ext(name) == ".pkl" && path.Base(name) != name; container == blob.Models && own {
		content, info, err = s.model, blob.Info{ETag: "1"}, nil
	}
	if err != nil {
		notFound(w, "BlobNotFound")
		return
	}
	w.Header().Set("ETag", strconv.Quote(info.ETag))
	w.Header().Set("x-ms-meta-sha256", info.SHA256)
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	if r.Method == http.MethodGet {
		w.Write(content)
	}
}

func notFound(w http.ResponseWriter, code string) {
	w.Header().Set("x-ms-error-code", code)
	w.WriteHeader(http.StatusNotFound)
}

func (s *storage) write(w http.ResponseWriter, r *http.Request, container, name string) {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return // the other side is gone
	}
	cond := blob.Condition(r.Header.Get("If-None-Match"))
	if match := r.Header.Get("If-Match"); match != "" {
		cond = blob.Condition(strings.Trim(match, `"`))
	}
	info, err := s.blobs.Write(r.Context(), container, name, cond, "", func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	if err != nil {
		w.Header().Set("x-ms-error-code", "ConditionNotMet")
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	w.Header().Set("ETag", strconv.Quote(info.ETag))
	w.WriteHeader(http.StatusCreated)
	if container+"/"+name == s.watched {
		s.written <- content
	}
}

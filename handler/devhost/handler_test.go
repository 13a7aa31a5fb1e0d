package devhost

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// handlerEnv makes the test binary a handler that answers by the script of
// that file, and writes what it gets to the file of recordEnv: the real child
// process of these tests.
const (
	handlerEnv = "DEVHOST_TEST_SCRIPT"
	recordEnv  = "DEVHOST_TEST_RECORD"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(handlerEnv); path != "" {
		runHandler(path)
		return
	}
	flag.Parse()
	flag.Set("test.parallel", "12") // they wait more than they work
	os.Exit(m.Run())
}

// script is what the handler does, in the form of the recordings: for every
// path a list of replies, the last of which repeats; "*" for other paths;
// "GET /" for the readiness probe; "$start" for the process.
type script map[string]json.RawMessage

// scripted is one reply of a script.
type scripted struct {
	Status        int                        `json:"status"`
	Headers       map[string]json.RawMessage `json:"headers"` // text, number or list
	Body          *string                    `json:"body"`
	BodyBase64    string                     `json:"bodyBase64"`
	HoldFor       int                        `json:"holdFor"` // wait until so many requests are in flight, once
	DelayMs       any                        `json:"delayMs"` // then; a number, or a list to go round in
	Reset         any                        `json:"reset"`   // true: before the reply; "mid": in it
	Exit          *int                       `json:"exit"`
	ExitAfterMs   int                        `json:"exitAfterMs"`
	NoListen      bool                       `json:"noListen"`
	ListenAfterMs int                        `json:"listenAfterMs"`
	Stdout        []string                   `json:"stdout"`
	Stderr        []string                   `json:"stderr"`
}

// recorded is a line of the record: a start of the handler, or a request.
type recorded struct {
	Event      string      `json:"ev"`
	Time       time.Time   `json:"t"`
	PID        int         `json:"pid"`
	Args, Env  []string    `json:",omitempty"`
	Dir        string      `json:",omitempty"`
	Method     string      `json:"method"`
	URL        string      `json:"url"`
	RawHeaders [][2]string `json:"rawHeaders"`
	Body       string      `json:"body"`
	Chunks     []int       `json:"chunks"`
	InFlight   int         `json:"inflight"`
}

type testHandler struct {
	script  script
	mu      sync.Mutex
	record  *os.File
	counts  map[string]int
	working int
	most    int           // the largest working so far
	arrived chan struct{} // closed when most grows
	delays  int
}

func runHandler(path string) {
	h := &testHandler{counts: make(map[string]int), arrived: make(chan struct{})}
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &h.script)
	}
	if err == nil {
		h.record, err = os.OpenFile(os.Getenv(recordEnv), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	dir, _ := os.Getwd()
	h.note(recorded{Event: "start", Args: os.Args[1:], Env: os.Environ(), Dir: dir})
	var start scripted
	if raw, ok := h.script["$start"]; ok {
		json.Unmarshal(raw, &start)
	}
	say(start)
	if start.Exit != nil {
		time.AfterFunc(time.Duration(start.ExitAfterMs)*time.Millisecond, func() { os.Exit(*start.Exit) })
	}
	if start.NoListen {
		select {}
	}
	time.Sleep(time.Duration(start.ListenAfterMs) * time.Millisecond)
	l, err := net.Listen("tcp4", "127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			os.Exit(3)
		}
		go h.serve(c)
	}
}

func say(s scripted) {
	for _, line := range s.Stdout {
		fmt.Fprintln(os.Stdout, line)
	}
	for _, line := range s.Stderr {
		fmt.Fprintln(os.Stderr, line)
	}
}

func (h *testHandler) note(r recorded) {
	r.Time, r.PID = time.Now(), os.Getpid()
	b, _ := json.Marshal(r)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.record.Write(append(b, '\n'))
}

// serve reads requests by hand, to see their header and chunks as they are.
func (h *testHandler) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		req, err := readRequest(r)
		if err != nil {
			return
		}
		h.mu.Lock()
		h.working++
		req.InFlight = h.working
		if h.working > h.most {
			h.most = h.working
			close(h.arrived)
			h.arrived = make(chan struct{})
		}
		h.mu.Unlock()
		h.note(*req)
		keep := h.answer(c, req)
		h.mu.Lock()
		h.working--
		h.mu.Unlock()
		if !keep {
			return
		}
	}
}

func readRequest(r *bufio.Reader) (*recorded, error) {
	t := textproto.NewReader(r)
	line, err := t.ReadLine()
	if err != nil {
		return nil, err
	}
	req := &recorded{Event: "request"}
	parts := strings.SplitN(line, " ", 3)
	req.Method, req.URL = parts[0], parts[1]
	length := 0
	chunked := false
	for {
		line, err := t.ReadLine()
		if err != nil {
			return nil, err
		}
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ": ")
		req.RawHeaders = append(req.RawHeaders, [2]string{name, value})
		switch strings.ToLower(name) {
		case "content-length":
			length, _ = strconv.Atoi(value)
		case "transfer-encoding":
			chunked = true
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	for chunked {
		line, err := t.ReadLine()
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseInt(line, 16, 32)
		if err != nil {
			return nil, err
		}
		chunk := make([]byte, n+2)
		if _, err := io.ReadFull(r, chunk); err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		req.Chunks = append(req.Chunks, int(n))
		body = append(body, chunk[:n]...)
	}
	req.Body = string(body)
	return req, nil
}

// reply returns the script's next reply for a request.
func (h *testHandler) reply(req *recorded) scripted {
	path, _, _ := strings.Cut(req.URL, "?")
	key := path
	if req.Method == "GET" && path == "/" {
		key = "GET /"
	}
	raw, ok := h.script[key]
	if !ok && key != "GET /" {
		key = "*"
		raw, ok = h.script[key]
	}
	if !ok {
		return scripted{Status: 200, Headers: map[string]json.RawMessage{"Content-Type": []byte(`"application/json"`)}, Body: new("{}")}
	}
	var list []scripted
	if json.Unmarshal(raw, &list) != nil {
		list = make([]scripted, 1)
		json.Unmarshal(raw, &list[0])
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	n := min(h.counts[key], len(list)-1)
	h.counts[key]++
	return list[n]
}

func (h *testHandler) delay(v any) time.Duration {
	if list, ok := v.([]any); ok {
		h.mu.Lock()
		v = list[h.delays%len(list)]
		h.delays++
		h.mu.Unlock()
	}
	ms, _ := v.(float64)
	return time.Duration(ms) * time.Millisecond
}

// hold waits until so many requests have been in flight at once.
func (h *testHandler) hold(n int) {
	for {
		h.mu.Lock()
		most, arrived := h.most, h.arrived
		h.mu.Unlock()
		if most >= n {
			return
		}
		<-arrived
	}
}

func (h *testHandler) answer(c net.Conn, req *recorded) (keep bool) {
	s := h.reply(req)
	h.hold(s.HoldFor)
	time.Sleep(h.delay(s.DelayMs))
	say(s)
	if s.Exit != nil {
		os.Exit(*s.Exit)
	}
	if s.Reset == true {
		c.(*net.TCPConn).SetLinger(0)
		return false
	}
	var body []byte
	if s.Body != nil {
		body = []byte(*s.Body)
	} else if s.BodyBase64 != "" {
		body, _ = base64.StdEncoding.DecodeString(s.BodyBase64)
	}
	b := new(bytes.Buffer)
	fmt.Fprintf(b, "HTTP/1.1 %d %s\r\n", s.Status, http.StatusText(s.Status))
	for name, raw := range s.Headers {
		var list []string
		if json.Unmarshal(raw, &list) != nil {
			list = []string{strings.Trim(string(raw), `"`)}
			json.Unmarshal(raw, &list[0])
		}
		for _, v := range list {
			fmt.Fprintf(b, "%s: %s\r\n", name, v)
		}
	}
	if s.Reset != nil {
		fmt.Fprintf(b, "Content-Length: 1000\r\n\r\n{\"Outputs\":")
		c.Write(b.Bytes())
		time.Sleep(50 * time.Millisecond)
		return false
	}
	if s.Status != http.StatusNoContent && s.Status != http.StatusNotModified {
		fmt.Fprintf(b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	if req.Method != http.MethodHead {
		b.Write(body)
	}
	_, err := c.Write(b.Bytes())
	for _, f := range req.RawHeaders {
		if strings.EqualFold(f[0], "Connection") && f[1] == "close" {
			return false
		}
	}
	return err == nil
}

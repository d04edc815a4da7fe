package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A piece is a part of a trace: lines of gevent's output, and ours in their place. With a reason they differ on purpose, and
// without one they are the same.
type piece struct {
	python, ours, why string
}

const (
	otherNames = "Go has other packages, and other functions in them"
	goSpelling = "values are printed in Go's spelling"
)

// traces are the traces of gevent about monkey, by the program that is the script in Go.
var traces = []struct {
	name, program string
	pieces        []piece
}{
	{"82_monkey_events", "events", []piece{
		{"before: False {}", "before: false", goSpelling + "; what was saved is not shown"},
		{python: "patch_all -> True\n  WillPatchAll"},
		{`  WillPatchModule:os
  DidPatchModule:os
  WillPatchModule:_thread
  WillPatchModule:threading
  DidPatchModule:thread
  DidPatchModule:threading`, "", otherNames + "; goroutines are not patched, and locks only with -patch aggressive"},
		{python: "  WillPatchModule:time\n  DidPatchModule:time"},
		{`  WillPatchModule:socket
  DidPatchModule:socket
  WillPatchModule:select
  DidPatchModule:select
  WillPatchModule:selectors
  DidPatchModule:selectors
  WillPatchModule:ssl
  DidPatchModule:ssl
  WillPatchModule:subprocess
  DidPatchModule:subprocess
  WillPatchModule:signal
  DidPatchModule:signal
  WillPatchModule:queue
  DidPatchModule:queue`, `  WillPatchModule:net
  DidPatchModule:net
  WillPatchModule:dns
  DidPatchModule:dns
  WillPatchModule:tls
  DidPatchModule:tls
  WillPatchModule:http
  DidPatchModule:http
  WillPatchModule:os
  DidPatchModule:os
  WillPatchModule:exec
  DidPatchModule:exec`, otherNames},
		{python: "  DidPatchBuiltinModules\n  DidPatchAll"},
		{`patched modules: ['_thread', '_threading_local', 'logging', 'os', 'queue', 'select', 'selectors', 'signal', 'socket', 'ssl', 'subprocess', 'threading', 'time']
  _thread: LockType _local allocate_lock exit get_ident stack_size start_new_thread
  _threading_local: local
  logging: _lock
  os: fork forkpty posix_spawn posix_spawnp waitpid
  queue: SimpleQueue
  select: epoll poll select
  selectors: DefaultSelector EpollSelector
  signal: getsignal signal
  socket: SocketType create_connection fromfd getaddrinfo getfqdn gethostbyaddr gethostbyname gethostbyname_ex getnameinfo socket socketpair
  ssl: SSLContext SSLSocket get_server_certificate wrap_socket
  subprocess: CompletedProcess Popen _USE_POSIX_SPAWN _fork_exec _use_posix_spawn call check_call check_output run
  threading: Event Lock Thread Timer _CRLock _DummyThread _allocate_lock _set_sentinel _shutdown _start_new_thread get_ident local
  time: sleep
time.sleep is gevent.sleep True | get_original is builtin: builtin_function_or_method`, `patched modules: [time net dns tls http os exec]
  time: time.Sleep
  exec: os.(*Process).Wait os/exec.(*Cmd).Wait`, otherNames + "; only two names are shown with their functions. get_original is Original, which takes a function"},
		{"is_object_patched True False False", "is_object_patched true false false", goSpelling},
		{python: "second identical patch_all -> None []"},
		{"other args -> None ['MonkeyPatchWarning: Patching more than once will result in the union of all True parameters being patched']",
			"other args -> None monkey: patching more than once, what is patched is the union of all that was asked for", "the warning is in the report"},
	}},
	{"84_monkey_veto", "veto", []piece{
		{python: "True"},
		{"{'socket': True, 'ssl': False, 'select': False, 'threading': False, 'queue': False, 'time': True}",
			"{net: true, tls: false, dns: false, exec: false, os: false, time: true}", otherNames},
		{"vetoed patch_all(thread=True) -> False False", "vetoed patch_all(exec=True) -> False false", otherNames},
	}},
}

func TestTrace(t *testing.T) {
	long(t)
	for _, tt := range traces {
		t.Run(tt.name, func(t *testing.T) {
			var python, ours []string
			for _, p := range tt.pieces {
				python = append(python, p.python)
				switch {
				case p.why == "":
					ours = append(ours, p.python)
				case p.ours != "":
					ours = append(ours, p.ours)
				}
			}
			text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "traces", tt.name+".out"))
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimSpace(string(text)); strings.Join(python, "\n") != want {
				t.Errorf("the pieces are not the trace: they are\n%s\nand it is\n%s", strings.Join(python, "\n"), want)
			}
			call{}.expect(t, strings.Join(ours, "\n"), gomonkey, "run", program+tt.program)
		})
	}
}

// Command pause waits until it is told to end. It is the first process of a cluster's PID namespace, where its
// end ends everything else, and of each Pod's sandbox. It does nothing but reap the orphans that it inherits.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// A first process gets only the signals that it asks for: without this SIGTERM would be lost, and each
	// Pod would take its whole grace period to go.
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	child := make(chan os.Signal, 1)
	signal.Notify(child, syscall.SIGCHLD)

	for {
		reap()
		select {
		case <-end:
			return
		case <-child:
		}
	}
}

// reap collects every child that has ended: one SIGCHLD may stand for many of them.
func reap() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
	}
}

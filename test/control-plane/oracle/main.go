// Asks the stock scheduler of the pinned Kubernetes version what it would do with a pod, without an API server.
//
// The scheduler is the real one as its own command makes it (scheduler.New, default profile, real cache, queue and
// plugins); only its informers are filled by hand, object by object, from cases on standard input: one JSON object a line.
// Objects become what the API server would store first: defaults, pod strategy, validation. One answer a line.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/klog/v2"
)

const lineBytesMax = 16 << 20

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	klog.LogToStderr(false)
	klog.SetOutput(discard{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	world, err := newWorld(ctx)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, lineBytesMax)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			return fmt.Errorf("case is not JSON: %w", err)
		}
		if err := out.Encode(world.answer(ctx, asked)); err != nil {
			return err
		}
	}
	return lines.Err()
}

type discard struct{}

func (discard) Write(bytes []byte) (int, error) { return len(bytes), nil }

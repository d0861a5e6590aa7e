// Command client-go creates ConfigMaps with client-go's dynamic client, as fast as it goes.
//
// It stands for what a small Go program would do: rate limits off, a fixed number of workers.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	namespace := flag.String("namespace", "default", "namespace of the ConfigMaps")
	count := flag.Int("count", 3000, "how many to create")
	workers := flag.Int("workers", 32, "requests in flight")
	flag.Parse()
	if err := run(*namespace, *count, *workers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// cpuSeconds returns the CPU time of this process so far.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func run(namespace string, count, workers int) error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	resource := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	target := client.Resource(resource).Namespace(namespace)
	started := cpuSeconds()
	indices := make(chan int)
	errs := make(chan error, workers)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for index := range indices {
				if _, err := target.Create(context.Background(), configMap(namespace, index), metav1.CreateOptions{}); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	go func() {
		defer close(indices)
		for index := range count {
			select {
			case indices <- index:
			case err := <-errs:
				errs <- err
				return
			}
		}
	}()
	group.Wait()
	select {
	case err := <-errs:
		return err
	default:
		fmt.Printf("requests_cpu_seconds=%f\n", cpuSeconds()-started)
		return nil
	}
}

func configMap(namespace string, index int) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "ConfigMap",
		"metadata":   map[string]any{"name": fmt.Sprintf("bench-%d", index), "namespace": namespace},
		"data":       map[string]any{"key": "value"},
	}}
}

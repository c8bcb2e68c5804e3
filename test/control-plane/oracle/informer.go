package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
)

// handInformer is an informer whose store is filled by hand: handlers run at once, in the caller's goroutine.
type handInformer struct {
	cache.SharedIndexInformer
	handlers []cache.ResourceEventHandler
}

func (informer *handInformer) AddEventHandler(handler cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	informer.handlers = append(informer.handlers, handler)
	return informer.SharedIndexInformer.AddEventHandler(handler)
}

func (informer *handInformer) HasSynced() bool { return true }

func (informer *handInformer) add(object runtime.Object) error {
	if err := informer.GetIndexer().Add(object); err != nil {
		return fmt.Errorf("not stored: %w", err)
	}
	for _, handler := range informer.handlers {
		handler.OnAdd(object, false)
	}
	return nil
}

// clear takes out everything that was added.
func (informer *handInformer) clear() error {
	for _, object := range informer.GetIndexer().List() {
		if err := informer.GetIndexer().Delete(object); err != nil {
			return err
		}
		for _, handler := range informer.handlers {
			handler.OnDelete(object)
		}
	}
	return nil
}

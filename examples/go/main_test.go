package main

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestItSaysHello(t *testing.T) {
	recorder := httptest.NewRecorder()
	answer(recorder, httptest.NewRequest("GET", "/", nil))
	if !strings.HasPrefix(recorder.Body.String(), "Hello from go") {
		t.Fatalf("it said %q", recorder.Body.String())
	}
}

// Answers every request with one line.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

const hello = "Hello from go v1"

func answer(response http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(response, hello)
}

func main() {
	http.HandleFunc("/", answer)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

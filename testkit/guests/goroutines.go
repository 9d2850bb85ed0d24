// Go at work: JSON, sorting and recursion in goroutines that park in the middle of deep calls.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
)

type item struct {
	ID   int      `json:"id"`
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

func mix(h, k uint64) uint64 { return (h ^ k) * 0x9E3779B97F4A7C15 }

//go:noinline
func build(n int) []item {
	items := make([]item, 0, n)
	for i := 0; i < n; i++ {
		items = append(items, item{i, "item" + strconv.Itoa(int(mix(uint64(i), 3)%977)), []string{"a", "b"}})
	}
	return items
}

//go:noinline
func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

// climb parks at every level: after that its callers live on the goroutine's own stack only.
//
//go:noinline
func climb(level int) int {
	runtime.Gosched()
	sum := fib(18)
	if level > 0 {
		sum += climb(level-1) + fib(12)
	}
	return sum
}

func worker(id, rounds int, results []int, done *sync.WaitGroup) {
	defer done.Done()
	for round := 0; round < rounds; round++ {
		text, err := json.Marshal(build(500))
		if err != nil {
			panic(err)
		}
		var items []item
		if err := json.Unmarshal(text, &items); err != nil {
			panic(err)
		}
		sort.Slice(items, func(i, j int) bool { return items[i].Name < items[j].Name })
		results[id] += len(items[0].Name) + climb(20)
	}
}

func main() {
	rounds := 60
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	var done sync.WaitGroup
	results := make([]int, 4)
	for id := range results {
		done.Add(1)
		go worker(id, rounds, results, &done)
	}
	done.Wait()
	fmt.Println("results", results)
}

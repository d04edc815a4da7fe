// Package layers holds no code. Its test keeps the floors of asyncgo apart: a
// package imports only what stands below it, and the root module requires only
// the few modules that were agreed on.
//
// The order matters because each floor is meant to be understood, tested and
// replaced without the ones above it. The loop that knew of tasks, or the future
// that knew of a task group, would still compile; only a test says that it is no
// longer a floor.
package layers

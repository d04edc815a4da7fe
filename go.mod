module github.com/asyncgo/asyncgo

go 1.26

require (
	github.com/panjf2000/ants/v2 v2.12.1
	github.com/petermattis/goid v0.0.0-20260820044319-269ab09b5261
	github.com/sourcegraph/conc v0.3.0
	go.uber.org/goleak v1.3.0
)

require golang.org/x/sync v0.11.0 // indirect

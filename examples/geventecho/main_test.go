package main

import (
	"testing"

	"go.uber.org/goleak"
)

func TestFiveHundredClientsGetTheirAnswers(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s := newServer("127.0.0.1:0")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if err := clients(s.Addr().String(), 500, 4); err != nil {
		t.Error(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, before)
}

// Package storm has tests only: a real server on real loopback TCP, under what real
// clients do to it when they are many, slow, gone or mean. Each test runs on every
// engine that Options.Engine can name here.
//
// Tests run one after the other, since they count the descriptors and goroutines of
// the process and measure its heap; clients that would need too many descriptors live
// in processes of their own. None passes or fails by its speed: what is waited for has
// minutes. With -short or the race detector the numbers are smaller.
package storm

// Package e2e holds the end-to-end tests: published clients from npm, under
// Node, against a server that runs the conformance app.
//
// The scenarios are written in JavaScript, beside the clients that they drive
// (clients/v4.js, clients/v09.js, clients/mixed.js). The tests here start the
// server, run a driver for each transport and turn each scenario it reports
// into a subtest. The tests whose names begin with TestPage show the page of
// cmd/sockeye in a browser instead (package browser). README.md says how to run them and how the scenarios
// themselves are proved.
package e2e

//go:build tools

// Package tools names the programs whose sources go.mod and go.sum pin.
package tools

import (
	_ "github.com/influxdata/influxdb/v2/cmd/influxd"
	_ "github.com/influxdata/pkg-config"
)

package main

import (
	"github.com/spf13/cobra"
)

func serveCommand(c console) *cobra.Command { return &cobra.Command{Use: "serve"} }

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/azurite"
)

func storageCommand(c console) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "storage",
		Short: "Run the storage emulator alone, for Core Tools",
		Long: `Run the storage emulator (Azurite) on its usual ports, 10000 to 10002, until Ctrl-C.
The connection string UseDevelopmentStorage=true means this emulator. Use it with func
start in dist/, or with a storage explorer. run and serve start an emulator of their
own.`,
		Example: "  fleetscore storage --dir .fleetscore/storage",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := azurite.Start(cmd.Context(), azurite.Options{Dir: dir, BlobPort: 10000, QueuePort: 10001, TablePort: 10002})
			if err != nil {
				return err
			}
			fmt.Fprintf(c.out, "blobs on port %d, queues on port %d, tables on port %d; Ctrl-C stops them\n", server.BlobPort, server.QueuePort, server.TablePort)
			select {
			case <-cmd.Context().Done():
				return server.Close()
			case <-server.Ended():
				return fmt.Errorf("the storage emulator ended by itself")
			}
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "keep the data in this folder (default: in memory)")
	return cmd
}

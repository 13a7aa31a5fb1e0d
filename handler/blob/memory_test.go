package blob_test

import (
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/blob/blobtest"
)

func TestMemory(t *testing.T) { blobtest.Test(t, &blob.Memory{Now: time.Now}, "memory") }

package store_test

import (
	"testing"

	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestStore(t *testing.T) { storetest.Each(t, storetest.Run) }

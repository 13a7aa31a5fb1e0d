package tabular

import "github.com/fleetscore/fleetscore/handler/fleet"

// names are the sensors found so far, with valid names. All readings of a sensor share the
// same strings. Files often repeat an order of sensors. So names remembers which sensor
// followed each one, and tries that first.
type names struct {
	known map[fleet.ID]int32
	ids   []fleet.ID
	after []int32
	last  int32
}

func (n *names) id(device, sensor []byte) (fleet.ID, error) {
	if len(n.ids) > 0 {
		next := n.after[n.last]
		if id := n.ids[next]; id.Sensor == string(sensor) && id.Device == string(device) {
			n.last = next
			return id, nil
		}
	}
	i, ok := n.known[fleet.ID{Device: string(device), Sensor: string(sensor)}]
	if !ok {
		id := fleet.ID{Device: string(device), Sensor: string(sensor)}
		if err := id.Validate(); err != nil {
			return id, err
		}
		i = int32(len(n.ids))
		n.known[id], n.ids, n.after = i, append(n.ids, id), append(n.after, i)
	}
	n.after[n.last], n.last = i, i
	return n.ids[i], nil
}

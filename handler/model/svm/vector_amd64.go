package svm

var best = detect()

func detect() Instructions {
	return Portable
}

func (m *OneClass) decisionVector(dst, x []float64) { m.decisionPortable(dst, x) }

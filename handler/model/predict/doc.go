// Package predict defines [Model], the interface of all models: a detector, a classifier or a
// regressor of rows of numbers, whichever library wrote the file.
package predict

// Package predict says what a model is to those who score with it, whichever
// library wrote the file: a detector, a classifier or a regressor of rows.
package predict

// Offsets in the array constants of vector_amd64.go.
#define INVLN2N 0
#define SHIFT 64
#define NEGLN2HI 128
#define NEGLN2LO 192
#define POLY2 256
#define POLY3 320
#define POLY4 384
#define POLY5 448
#define SPECIAL 512
#define ZERO 576
#define ONE 640
#define SMALLEST 704
#define UNBIAS 768
#define MASK 832

"""Writes exp.txt, exp2.txt, tanh.txt, log.txt, expf.txt and logf.txt: lines of x and the C
library's f(x), as hex floats; exp2 is pow(2, x). Run on x86-64 with FMA. Those committed are of glibc 2.36."""
import ctypes, ctypes.util, math, random, struct

libm = ctypes.CDLL(ctypes.util.find_library("m"))
random.seed(1)


def write(name, xs, number=ctypes.c_double):
    if name == "exp2":
        pow = libm.pow
        pow.argtypes, pow.restype = [ctypes.c_double, ctypes.c_double], ctypes.c_double
        f = lambda x: pow(2.0, x)
    else:
        f = getattr(libm, name)
        f.argtypes, f.restype = [number], number
    with open(name + ".txt", "w") as out:
        for x in xs:
            out.write(f"{float.hex(x)} {float.hex(f(x))}\n")


inf, nan = math.inf, math.nan
bits = lambda: struct.unpack("<d", struct.pack("<Q", random.getrandbits(64)))[0]
edges = [0.0, -0.0, inf, -inf, nan, 5e-324, -5e-324, 2.0**-54, -(2.0**-54), 2.0**-55, 1.0, -1.0, 0.5, -0.5]
write("exp", edges
      + [-512.0, -511.99999999999994, 512.0, 709.782712893384, 709.7827128933841, 1024.0, -1024.0]
      + [-708.0, -708.3964185322641, -708.3964185322642, -745.1332191019411, -745.1332191019412, -746.0, -1e300, 1e300]
      + [random.uniform(-50, 0) for _ in range(150)]
      + [random.uniform(-745, -512) for _ in range(150)]
      + [random.uniform(-1, 1) * 710 for _ in range(50)]
      + [bits() for _ in range(50)])
write("tanh", edges
      + [22.0, -22.0, 21.999999999999996, 1.0000000000000002, 0.17328679513998632, 0.5198603854199589]
      + [random.uniform(-1, 1) for _ in range(150)]
      + [random.uniform(-22, 22) for _ in range(50)]
      + [bits() for _ in range(20)])
write("exp2", [1.0, -1.0, 0.5, -0.5, -511.9, 511.9, 2.0**-40] + [random.uniform(-3, 0) for _ in range(200)] + [random.uniform(-512, 512) for _ in range(50)])
write("log", [float(n) for n in range(1, 300)] + [float(random.randrange(1, 2**random.randrange(9, 53))) for _ in range(200)] + [2.0**52])

# Of float32. On a machine with the C library, Exp32 and Log32 were compared with it for all 2**32 numbers.
single = lambda xs: [ctypes.c_float(x).value for x in xs]
bits32 = lambda: struct.unpack("<f", struct.pack("<I", random.getrandbits(32)))[0]
edges32 = single([0.0, -0.0, inf, -inf, nan, 1e-45, -1e-45, 1.0, -1.0, 1.1754943508222875e-38, 3.4028234663852886e38])
write("expf", edges32
      + single([88.72283, 88.72284, 88.7, -103.97208, -103.97207, -104, -87.3, -88, 1e-8, -1e-8])
      + single([random.uniform(-20, 20) for _ in range(150)] + [random.uniform(-104, 89) for _ in range(80)]) + [bits32() for _ in range(40)], ctypes.c_float)
write("logf", edges32
      + single([1 / 3, 0.5, 2, 0.9999999, 1.0000001, 1e-40])
      + single([random.uniform(0, 5) for _ in range(100)]) + [abs(bits32()) for _ in range(100)], ctypes.c_float)

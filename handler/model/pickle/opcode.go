package pickle

// opcode is an opcode's name in Python's pickletools, and the function that runs it.
type opcode struct {
	name string
	do   func(*reader) error
}

// opcodes is the table of all opcodes. It is set by init, because the functions refer to it
// in their errors.
var opcodes [256]opcode

func init() {
	opcodes = [256]opcode{
		'(': {"MARK", (*reader).mark},
		'.': {"STOP", (*reader).stop},
		'0': {"POP", (*reader).opPop},
		'1': {"POP_MARK", (*reader).popMark},
		'2': {"DUP", (*reader).dup},

		'N':  {"NONE", (*reader).none},
		'I':  {"INT", (*reader).intText},
		'J':  {"BININT", (*reader).int4},
		'K':  {"BININT1", (*reader).int1},
		'M':  {"BININT2", (*reader).int2},
		'L':  {"LONG", (*reader).longText},
		0x8a: {"LONG1", (*reader).long1},
		0x8b: {"LONG4", (*reader).long4},
		'F':  {"FLOAT", (*reader).floatText},
		'G':  {"BINFLOAT", (*reader).float},
		0x88: {"NEWTRUE", (*reader).newTrue},
		0x89: {"NEWFALSE", (*reader).newFalse},
		'S':  {"STRING", (*reader).stringText},
		'T':  {"BINSTRING", (*reader).string4},
		'U':  {"SHORT_BINSTRING", (*reader).string1},
		'V':  {"UNICODE", (*reader).unicodeText},
		'X':  {"BINUNICODE", (*reader).unicode4},
		0x8c: {"SHORT_BINUNICODE", (*reader).unicode1},
		0x8d: {"BINUNICODE8", (*reader).unicode8},
		'B':  {"BINBYTES", (*reader).bytes4},
		'C':  {"SHORT_BINBYTES", (*reader).bytes1},
		0x8e: {"BINBYTES8", (*reader).bytes8},
		0x96: {"BYTEARRAY8", (*reader).bytes8},
		0x97: {"NEXT_BUFFER", (*reader).nextBuffer},
		0x98: {"READONLY_BUFFER", (*reader).nop},

		'a':  {"APPEND", (*reader).append},
		'e':  {"APPENDS", (*reader).appends},
		'd':  {"DICT", (*reader).dict},
		'}':  {"EMPTY_DICT", (*reader).emptyDict},
		's':  {"SETITEM", (*reader).setItem},
		'u':  {"SETITEMS", (*reader).setItems},
		'l':  {"LIST", (*reader).list},
		']':  {"EMPTY_LIST", (*reader).emptyList},
		't':  {"TUPLE", (*reader).tuple},
		')':  {"EMPTY_TUPLE", (*reader).tuple0},
		0x85: {"TUPLE1", (*reader).tuple1},
		0x86: {"TUPLE2", (*reader).tuple2},
		0x87: {"TUPLE3", (*reader).tuple3},
		0x8f: {"EMPTY_SET", (*reader).emptySet},
		0x90: {"ADDITEMS", (*reader).addItems},
		0x91: {"FROZENSET", (*reader).frozenSet},

		'c':  {"GLOBAL", (*reader).global},
		0x93: {"STACK_GLOBAL", (*reader).stackGlobal},
		'R':  {"REDUCE", (*reader).reduce},
		'b':  {"BUILD", (*reader).build},
		'i':  {"INST", (*reader).inst},
		'o':  {"OBJ", (*reader).obj},
		0x81: {"NEWOBJ", (*reader).newObj},
		0x92: {"NEWOBJ_EX", (*reader).newObjEx},

		'p':  {"PUT", (*reader).putText},
		'q':  {"BINPUT", (*reader).put1},
		'r':  {"LONG_BINPUT", (*reader).put4},
		0x94: {"MEMOIZE", (*reader).memoize},
		'g':  {"GET", (*reader).getText},
		'h':  {"BINGET", (*reader).get1},
		'j':  {"LONG_BINGET", (*reader).get4},

		0x80: {"PROTO", (*reader).proto},
		0x95: {"FRAME", (*reader).frame},

		'P':  {"PERSID", (*reader).persistent},
		'Q':  {"BINPERSID", (*reader).persistent},
		0x82: {"EXT1", (*reader).extension},
		0x83: {"EXT2", (*reader).extension},
		0x84: {"EXT4", (*reader).extension},
	}
}

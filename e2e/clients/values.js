// Values that a server must hand back unchanged.
"use strict";

const texts = {
  empty: "",
  ascii: "hello",
  latin: "é",
  astral: "😀 and 👩‍👩‍👧",
  "line separators": "a\u2028b\u2029c",
  "line ends": "a\nb\rc\r\nd\te",
  nul: "a\u0000b",
  controls: "\u0001\u001e\u001f\u007f\u0080\u009f",
  "lone high surrogate": "a\ud83db",
  "lone low surrogate": "a\ude00b",
  "surrogates in wrong order": "\ude00\ud83d",
  replacement: "\ufffd5\ufffdabcde",
  "byte order mark": "\ufeffa",
  "last code point": "\u{10ffff}",
  quotes: `"'\``,
  backslashes: "\\ \\\\ \\n \\u0041 \\/ \\",
  script: "</script><!-- <script>",
  form: "a+b&c=d%20e?f#g;h",
  colons: "5:::{}",
  digits: "1-[]",
  arabic: "العربية",
};

const values = [
  null,
  true,
  false,
  0,
  -1.5,
  1e21,
  Number.MAX_SAFE_INTEGER,
  [],
  {},
  [[], [{}], [null]],
  { "": 1, a: { b: [1, "2", { c: null }] } },
  { "é😀": "\u2028", length: 3, toString: "x", constructor: 1 },
  // Not an attachment: the packet has none.
  { _placeholder: true, num: 0 },
  { base64: true, data: "AQID" },
];

const kilobytes100 = {
  ascii: "x".repeat(100000),
  latin: "é".repeat(50000),
  astral: "😀".repeat(25000),
  escapes: '"\\\n'.repeat(33334),
};

// A length whose frame needs the 64 bit form by itself, around the border
// where a 16 bit length ends.
const borders = [125, 126, 127, 65535, 65536, 65537];

module.exports = { borders, kilobytes100, texts, values };

/** CRC-32 of gzip, reflected: bit 31 stands for x^0. */
const POLYNOMIAL = 0xedb88320
const ONE = 0x80000000

/** x^(2^n) modulo the polynomial, for n = 0 … 31; beyond, they come again. */
const squares: readonly number[] = (() => {
  const found = [0x40000000]
  while (found.length < 32) found.push(multiply(found.at(-1)!, found.at(-1)!))
  return found
})()

/**
 * The checksum of two texts one after the other, from the checksum of each: the first is moved past the second by as
 * many powers of x as that has bits, then both are added.
 *
 * @param bytes length of the second text
 * @see zlib's `crc32_combine`, whose outcome it has
 */
export function combineCrc32(first: number, second: number, bytes: number): number {
  let shift = ONE
  // A byte is eight bits: x^(8 · bytes) begins with the third square.
  for (let rest = bytes, power = 3; rest > 0; rest = Math.floor(rest / 2), power++)
    if (rest % 2 === 1) shift = multiply(squares[power % 32]!, shift)
  return (multiply(shift, first) ^ second) >>> 0
}

/** The product of two polynomials modulo the polynomial of the checksum. */
function multiply(a: number, b: number): number {
  let product = 0
  let factor = b >>> 0
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor
    factor = (factor & 1) === 0 ? factor >>> 1 : (factor >>> 1) ^ POLYNOMIAL
  }
  return product >>> 0
}

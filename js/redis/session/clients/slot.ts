// The slot of a key, or of a channel, as a cluster counts them: CRC16 (XMODEM) of what stands in its first braces, or of all of it, modulo 16384.

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

export function slotOf(key: string): number {
  const bytes = Buffer.from(key)
  const from = bytes.indexOf(123)
  const to = from < 0 ? -1 : bytes.indexOf(125, from + 1)
  let crc = 0
  for (const byte of to > from + 1 ? bytes.subarray(from + 1, to) : bytes)
    crc = ((crc << 8) ^ (TABLE[(crc >> 8) ^ byte] as number)) & 0xffff
  return crc & 16_383
}

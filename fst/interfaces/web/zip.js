/* Writes a ZIP file. Pictures are compressed already, so they are stored as they are. */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * @param {Uint8Array} bytes
 * @returns {number} their CRC-32, as ZIP and PNG have it.
 */
export function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/**
 * @param {Array<{name: string, blob: Blob}>} files below 4 GB together; a name that comes twice gets
 *     a number.
 * @param {Date} [now] what the files' time is.
 * @returns {Promise<Blob>}
 * Source: PKWARE, APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16.
 */
export async function zipped(files, now = new Date()) {
  const [parts, directory] = [[], []];
  let [offset, size] = [0, 0];
  for (const { name, blob } of withOwnNames(files)) {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const path = new TextEncoder().encode(name);
    const about = description(bytes, path.length, now);
    parts.push(header(0x04034b50, about), path, blob);
    // version, that of the description, no comment, first disk, no attributes, where it lies
    directory.push(header(0x02014b50, [[20, 2], ...about, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]]), path);
    offset += 30 + path.length + bytes.length;
    size += 46 + path.length;
  }
  const end = [[0, 2], [0, 2], [files.length, 2], [files.length, 2], [size, 4], [offset, 4], [0, 2]];
  return new Blob([...parts, ...directory, header(0x06054b50, end)], { type: "application/zip" });
}

/* What the header of a file and its entry in the directory say alike. */
function description(bytes, path, now) {
  const time = (now.getHours() << 11) | (now.getMinutes() << 5) | (now.getSeconds() >> 1);
  const day = ((now.getFullYear() - 1980) << 9) | ((now.getMonth() + 1) << 5) | now.getDate();
  // needs version 2.0; names are UTF-8 (bit 11); stored
  return [[20, 2], [0x0800, 2], [0, 2], [time, 2], [day, 2], [crc32(bytes), 4], [bytes.length, 4], [bytes.length, 4], [path, 2], [0, 2]];
}

function header(signature, fields) {
  const all = [[signature, 4], ...fields];
  const view = new DataView(new ArrayBuffer(all.reduce((sum, [, width]) => sum + width, 0)));
  let at = 0;
  for (const [value, width] of all) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return view.buffer;
}

function withOwnNames(files) {
  const taken = new Set();
  return files.map(({ name, blob }) => {
    const [, stem, suffix] = /^(.*?)(\.[^.]*)?$/.exec(name);
    let own = name;
    for (let count = 2; taken.has(own.toLowerCase()); count += 1) own = `${stem}-${count}${suffix || ""}`;
    taken.add(own.toLowerCase());
    return { name: own, blob };
  });
}

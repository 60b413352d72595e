// Pictures, as bytes where the protocol has them and as base64 in JSON where not.
import { count } from './packets.js';

export const maxPicture = 500_000; // bytes, as the server has it
const types = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];

// check says what is wrong with a file, or ''.
export function check(file) {
  if (!types.includes(file.type)) return 'A picture is a PNG, JPEG, GIF or WebP file.';
  if (file.size > maxPicture) {
    return `${file.name} has ${count(Math.ceil(file.size / 1000), 'kB')}; at most ${maxPicture / 1000} kB can be sent.`.replace('kBs', 'kB');
  }
  return '';
}

// encode returns what is sent of a file.
export async function encode(file, binary) {
  if (binary) return file.arrayBuffer();
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ base64: true, data: reader.result.slice(reader.result.indexOf(',') + 1) });
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

// decode returns the bytes of what came, and says in which form it came.
export function decode(data) {
  if (data?.base64 === true) {
    return {
      bytes: Uint8Array.from(atob(data.data), (c) => c.charCodeAt(0)),
      form: `base64 in JSON, ${count(data.data.length, 'character')}`,
    };
  }
  return { bytes: data, form: `binary, ${count(data.byteLength ?? data.size, 'byte')}` };
}

// show returns an img of the bytes. Who drops it calls forget.
export function show(bytes, type, alt) {
  const img = new Image();
  // Only a picture's type makes a blob that cannot be opened as a page.
  img.src = URL.createObjectURL(new Blob([bytes], { type: types.includes(type) ? type : 'image/png' }));
  img.alt = alt;
  return img;
}

export function forget(element) {
  for (const img of element.querySelectorAll('img')) URL.revokeObjectURL(img.src);
}

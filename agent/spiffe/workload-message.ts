import { GrpcError } from './grpc-stream.ts';

/** A message of `FetchX509SVID`: what of it counts for the agent (SPIFFE's workload.proto). */
export interface X509SVIDResponse {
  readonly svids: readonly X509SVID[];
  /** DER certificates, concatenated, by the SPIFFE ID of their trust domain. */
  readonly federatedBundles: Readonly<Record<string, Uint8Array>>;
}

export interface X509SVID {
  readonly spiffeId: string;
  /** DER certificates, concatenated: the leaf, then intermediates. */
  readonly x509Svid: Uint8Array;
  /** DER PKCS#8, unencrypted. */
  readonly x509SvidKey: Uint8Array;
  /** DER certificates of the trust domain, concatenated. */
  readonly bundle: Uint8Array;
}

/**
 * Reads one message in protobuf's encoding. Fields that are not known are passed over, of one that repeats the last
 * counts.
 * @throws GrpcError `Internal`: it is not protobuf
 */
export function decodeX509SVIDResponse(bytes: Uint8Array): X509SVIDResponse {
  const svids: X509SVID[] = [];
  const bundles = new Map<string, Uint8Array>();
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 1) svids.push(decodeSvid(value));
    if (field !== 3) continue;
    const entry = new Map(fieldsOf(value));
    bundles.set(text(entry.get(1)), entry.get(2) ?? NOTHING);
  }
  return { svids, federatedBundles: Object.fromEntries(bundles) };
}

function decodeSvid(bytes: Uint8Array): X509SVID {
  const fields = new Map(fieldsOf(bytes));
  const [x509Svid = NOTHING, x509SvidKey = NOTHING, bundle = NOTHING] = [2, 3, 4].map((at) => fields.get(at));
  return { spiffeId: text(fields.get(1)), x509Svid, x509SvidKey, bundle };
}

const NOTHING = new Uint8Array();

function text(bytes: Uint8Array = NOTHING): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw notProtobuf();
  }
}

/** How many bytes a value of a wire type has that carries no length: VARINT, I64, I32. */
const FIXED: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** The number and bytes of each text, bytes and message field, in their order. */
function* fieldsOf(bytes: Uint8Array): Generator<[field: number, value: Uint8Array], void> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    // Ten bytes at most; what does not fit 53 bits is no length and no field of these messages.
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw notProtobuf();
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    if (type === VARINT) {
      varint();
      continue;
    }
    const length = type === LENGTH_DELIMITED ? varint() : FIXED[type];
    if (field === 0 || length === undefined || at + length > bytes.length) throw notProtobuf();
    if (type === LENGTH_DELIMITED) yield [field, bytes.subarray(at, at + length)];
    at += length;
  }
}

const notProtobuf = (): GrpcError => new GrpcError('Internal');

import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR_MS = 3_600_000;

/** SPIRE dates what it signs ten seconds back, for clocks that differ. */
export const BACKDATE_MS = 10_000;

export type KeyUsage = keyof typeof x509.KeyUsageFlags;

/** One subject alternative name. */
export type San = { type: 'url' | 'dns' | 'ip'; value: string };

export interface CaOptions {
  /** Default one hour. */
  ttlMs?: number;
  /** Unix milliseconds; default ten seconds ago. */
  notBefore?: number;
  /** Signs this CA; without one it is self-signed, a root. */
  parent?: Ca;
}

export interface IssueOptions {
  /** SPIFFE ID, the only subject alternative name. */
  id?: string;
  /** Instead of `id`: any number of names of any kind. */
  sans?: San[];
  /** Default one hour; cut at the end of the CA, which an SVID never outlives. */
  ttlMs?: number;
  /** Unix milliseconds; default ten seconds ago. The end is counted from now, as SPIRE does. */
  notBefore?: number;
  /** Unix milliseconds; wins over `ttlMs`. */
  notAfter?: number;
  /** Default as SPIRE's: digitalSignature, keyEncipherment, keyAgreement; `[]` leaves the extension out. */
  keyUsage?: KeyUsage[];
  /** Default server and client; `[]` leaves the extension out. */
  extendedKeyUsage?: ('serverAuth' | 'clientAuth')[];
  /** Marks the leaf as a CA. */
  isCa?: boolean;
  /** Default `C=US, O=SPIRE`. */
  subject?: string;
}

/** A certificate with its key and what links it to its root. */
export interface Issued {
  /** The leaf alone. */
  certPem: string;
  certDer: Buffer;
  /** Leaf and intermediates without the root: concatenated PEM as `tls` takes it, and concatenated DER as the Workload API sends it. */
  chainPem: string;
  chainDer: Buffer;
  /** PKCS#8. */
  keyPem: string;
  keyDer: Buffer;
  /** Unix milliseconds, whole seconds. */
  notBefore: number;
  notAfter: number;
}

/** A certificate authority of a trust domain that signs what it is told to, rightly or not. */
export class Ca {
  readonly trustDomain: string;
  readonly certPem: string;
  readonly certDer: Buffer;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Own certificate and those above, without the root; empty for a root. */
  readonly intermediates: readonly x509.X509Certificate[];
  readonly #certificate: x509.X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(
    trustDomain: string,
    certificate: x509.X509Certificate,
    keys: webcrypto.CryptoKeyPair,
    parent?: Ca,
  ) {
    this.trustDomain = trustDomain;
    this.#certificate = certificate;
    this.#keys = keys;
    this.certPem = `${certificate.toString('pem')}\n`;
    this.certDer = Buffer.from(certificate.rawData);
    this.notBefore = certificate.notBefore.getTime();
    this.notAfter = certificate.notAfter.getTime();
    this.intermediates = parent === undefined ? [] : [certificate, ...parent.intermediates];
  }

  static async create(trustDomain: string, options: CaOptions = {}): Promise<Ca> {
    const { parent, ttlMs = HOUR_MS, notBefore = Date.now() - BACKDATE_MS } = options;
    const keys = await generateKeys();
    const subject = `C=US, O=SPIFFE, CN=CA ${serialNumber().slice(0, 8)}`;
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject,
      issuer: parent === undefined ? subject : parent.#certificate.subject,
      notBefore: new Date(notBefore),
      notAfter: new Date(notBefore + ttlMs),
      publicKey: keys.publicKey,
      signingKey: parent === undefined ? keys.privateKey : parent.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(flags(['keyCertSign', 'cRLSign']), true),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${trustDomain}` }]),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new Ca(trustDomain, certificate, keys, parent);
  }

  /** A leaf that signs others, which it must not. */
  static async fromLeaf(trustDomain: string, leaf: Issued): Promise<Ca> {
    const certificate = new x509.X509Certificate(leaf.certDer);
    const privateKey = await webcrypto.subtle.importKey('pkcs8', leaf.keyDer, ALGORITHM, true, ['sign']);
    return new Ca(trustDomain, certificate, { privateKey, publicKey: await certificate.publicKey.export() });
  }

  /** Signs a leaf; by default as SPIRE would an SVID. */
  async issue(options: IssueOptions): Promise<Issued> {
    const now = Date.now();
    const keys = await generateKeys();
    const usages = options.keyUsage ?? ['digitalSignature', 'keyEncipherment', 'keyAgreement'];
    const extended = options.extendedKeyUsage ?? ['serverAuth', 'clientAuth'];
    const sans: San[] =
      options.sans ?? (options.id === undefined ? [] : [{ type: 'url', value: options.id }]);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: options.subject ?? 'C=US, O=SPIRE',
      issuer: this.#certificate.subject,
      notBefore: new Date(options.notBefore ?? now - BACKDATE_MS),
      notAfter: new Date(options.notAfter ?? Math.min(now + (options.ttlMs ?? HOUR_MS), this.notAfter)),
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(options.isCa ?? false, undefined, true),
        ...(usages.length === 0 ? [] : [new x509.KeyUsagesExtension(flags(usages), true)]),
        ...(extended.length === 0
          ? []
          : [new x509.ExtendedKeyUsageExtension(extended.map((use) => x509.ExtendedKeyUsage[use]))]),
        ...(sans.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(sans)]),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
      ],
    });
    const chain = [certificate, ...this.intermediates];
    const keyDer = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    return {
      certPem: pem([certificate]),
      certDer: Buffer.from(certificate.rawData),
      chainPem: pem(chain),
      chainDer: Buffer.concat(chain.map((one) => Buffer.from(one.rawData))),
      keyPem: `${x509.PemConverter.encode(keyDer, 'PRIVATE KEY')}\n`,
      keyDer,
      notBefore: certificate.notBefore.getTime(),
      notAfter: certificate.notAfter.getTime(),
    };
  }
}

const generateKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

const flags = (usages: KeyUsage[]): number =>
  usages.reduce((sum, usage) => sum | x509.KeyUsageFlags[usage], 0);

const pem = (certificates: readonly x509.X509Certificate[]): string =>
  certificates.map((one) => `${one.toString('pem')}\n`).join('');

/** Sixteen bytes, positive, without a leading zero. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

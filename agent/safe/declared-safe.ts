/**
 * What the rest of the agent needs to know of Safes, and all of it: which Safe a URL means (`Safes.resolve`), what
 * of its grants counts here, and the key under which `SafeCache` answers for it. `SafeCache.read(dial, t)` gives an
 * answer begun at or after t, or throws the failure; nothing else of this folder is needed to keep Secrets.
 */
export interface SafeEndpoint {
  /** As resources name it, normalised. */
  readonly url: string;
  /**
   * What is asked, which identifies the Safe: the full URL, with the server name as fragment where one was declared.
   * Two declarations with one `dial` are one Safe, and agree in all that decides whom it serves.
   */
  readonly dial: string;
  /** Whether its grants bind. */
  readonly grants: 'enforce' | 'warn' | 'off';
  /** How they name namespaces of this cluster. */
  readonly scope: {
    /** This cluster's name in them. */
    readonly as: string;
    /** Only names with `as` before them count: a plain one means a namespace of the Safe's own cluster. */
    readonly qualified: boolean;
  };
}

/** A Safe that resources may name, as the operator declared it. Times are milliseconds. */
export interface DeclaredSafe extends SafeEndpoint {
  /** The Safe of resources that name none. */
  readonly home: boolean;
  /** The SNI, where it is not the host that is dialled. */
  readonly serverName: string | undefined;
  /** Whose bundle verifies it, and no other. */
  readonly trustDomain: string;
  /** The SPIFFE IDs that it may have, matched as a whole. */
  readonly idPattern: RegExp;
  /** SHA-256 of the placeholder's value there, hex. */
  readonly proof: string | undefined;
  /** One request, from connect to last byte. */
  readonly timeoutMs: number;
  /** From the start of one request to the start of the next; undefined: as for all. */
  readonly floorMs: number | undefined;
}

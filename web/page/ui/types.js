/**
 * The face the node shows to the page's user interface, as types only.
 *
 * Nouns: a *root* is the lower-case hex id of a stored object; a *link* is the `#inos1.…` string that lets somebody else
 * fetch it. Sizes are bytes, times are milliseconds, rates are bytes per second.
 * The interface knows the node through this file alone: nothing under `ui/` touches workers, memory or sockets.
 */

/**
 * @typedef {{code: string, message: string, lacks?: string[]}} NodeError  lacks: parts that are missing, as requirements.js names them
 * @typedef {"starting" | "locked" | "ready" | "failed" | "busy-elsewhere"} Phase
 * @typedef {{phase: Phase, step: string, bytesToGo: number | null, error?: NodeError}} NodeState
 * @typedef {"waiting" | "reading" | "sealing" | "writing" | "done"} PutStage
 * @typedef {"finding" | "connecting" | "fetching" | "verifying" | "done"} FetchStage
 * @typedef {{bytes: number, total: number, rate: number, secondsLeft: number | null}} Progress
 * @typedef {Progress & {stage: PutStage}} PutProgress
 * @typedef {Progress & {stage: FetchStage, peers: number, name?: string}} FetchProgress
 * @typedef {Progress & {stage?: string}} AnyProgress
 * @typedef {{root: string, bytes: number, stored: number, chunks: number, newChunks: number, ms: number}} PutResult
 * @typedef {{name: string, code: string}} Skipped  of an archive; the name is empty where it is the archive itself
 * @typedef {{root: string, files: number, bytes: number, stored: number, ms: number}} FolderResult
 * @typedef {{name: string, kind: "file" | "folder", size: number, mtimeMs: number | null}} FolderEntry
 * @typedef {{root: string, seq: number, timeMs: number, size: number, stored: number, name: string, current: boolean}} Version
 * @typedef {{root: string, name: string, size: number, mediaType: string, kind: "file" | "folder"}} FetchResult
 * @typedef {{id: string, kind: "device" | "passphrase" | "passkey", timeMs: number, credential?: string, salt?: string}} Slot
 * @typedef {{slots: Slot[], idleMinutes: number}} ProtectionState  `timeMs` 0: nobody wrote it down
 * @typedef {{passphrase: string} | {passkey: true}} Given  what a person has for opening the vault
 * @typedef {{root: string, path: string, name: string, kind: "file" | "folder", size: number}} Found
 * @typedef {{root: string, freedBytes: number, olderBytes: number}} RoomRow
 * @typedef {{files: number, known: number, bytes: number, skipped: Skipped[]}} ImportResult
 * @typedef {"quick" | "hash" | "data"} CheckLevel
 * @typedef {{level: CheckLevel, blocks: number, bytes: number, bad: Array<{block: string, code: string}>, lost: string[],
 *   findings: string[], ms: number}} CheckResult
 * @typedef {{repaired: string[], unrepaired: Array<{root: string, name: string, code: string}>, blocks: number}} RepairResult
 * @typedef {{phase: string, done: number, total: number, savedBytes: number, paused: boolean}} TidyState
 *
 * @typedef {object} FileEntry
 * @property {string} root
 * @property {"file" | "folder"} kind
 * @property {string} name
 * @property {string} mediaType
 * @property {number} size
 * @property {number} stored
 * @property {number} chunks
 * @property {number} newChunks
 * @property {number} dedupedBytes
 * @property {number} timeMs
 * @property {boolean} received
 * @property {boolean} shared
 * @property {boolean} lost
 * @property {number} versions
 *
 * @typedef {object} PeerEntry
 * @property {string} id
 * @property {string} shortId
 * @property {number} rttMs
 * @property {number} bytesIn
 * @property {number} bytesOut
 * @property {string} state
 *
 * @typedef {object} MeshNeighbour
 * @property {string} id
 * @property {string[]} roles  why the link is kept: sibling, bucket, random, partner
 * @property {"alive" | "suspect" | "hidden" | "frozen" | "leaving"} state
 * @property {number} rttMs
 *
 * @typedef {object} MeshView
 * @property {{id: string, estimate: number}} self  `estimate`: how many nodes there seem to be
 * @property {string} room  its link; empty in the origin's public one
 * @property {MeshNeighbour[]} neighbours
 * @property {string[]} known  ids of nodes without a link
 * @property {Array<{index: number, links: number, known: number}>} buckets
 * @property {{count: number, hops: number[], last: Array<{target: string, path: string[], hops: number, ok: boolean}>}} lookups
 * @property {{received: number, copies: number, hops: Record<string, number>}} gossip  `hops`: how many came over so many links
 * @property {{objects: Array<{root: string, copies: number, wanted: number, state: "full" | "repairing" | "short" | "alone"}>,
 *   timeToFullMs: number | null, guestBytes: number, wanted: number}} replicas  `wanted`: copies of each file
 * @property {{direct: number, relayed: number, server: number, peersShare: number | null}} bytes
 *
 * @typedef {{key: string, params?: Record<string, string | number>}} Activity
 * @typedef {"state" | "list" | "peers" | "progress" | "activity" | "tidy"} NodeEvent
 *
 * @typedef {{node: string, cores: number, bootMs: number, openMs: number, snapshot: boolean | string}} NodeInfo
 *
 * @typedef {object} NodeApi
 * @property {Promise<NodeInfo>} ready
 * @property {() => NodeState} state
 * @property {(source: File | Blob | Uint8Array, options: {name?: string, replaces?: string,
 *   onProgress?: (progress: PutProgress) => void, signal?: AbortSignal}) => Promise<PutResult>} put
 * @property {(items: Array<{path: string, file: File | Blob | null}>, options: {name: string, replaces?: string,
 *   onProgress?: (progress: AnyProgress) => void, signal?: AbortSignal}) => Promise<FolderResult>} putFolder
 * @property {(root: string, path?: string) => Promise<FolderEntry[]>} entries
 * @property {(root: string, name: string, where?: {path?: string}) => Promise<{root: string}>} rename
 * @property {(root: string) => Promise<Version[]>} versions
 * @property {(root: string) => Promise<{root: string}>} restore
 * @property {(root: string) => Promise<void>} forget
 * @property {(text: string) => Promise<Found[]>} find
 * @property {(options: {passphrase: string, name?: string, onProgress?: (progress: AnyProgress) => void,
 *   signal?: AbortSignal}) => Promise<{files: number, bytes: number, skipped: Skipped[]}>} exportArchive
 * @property {(file: File | Blob, options: {passphrase: string, onProgress?: (progress: AnyProgress) => void,
 *   signal?: AbortSignal}) => Promise<ImportResult>} importArchive
 * @property {() => Promise<FileEntry[]>} list
 * @property {(root: string) => Promise<number>} countFiles  in a folder and the folders in it
 * @property {() => Promise<RoomRow[]>} space  what could be deleted, and how much that would free
 * @property {(options?: {onProgress?: (progress: AnyProgress) => void, signal?: AbortSignal}) => Promise<RepairResult>} repair
 * @property {(options: {paused: boolean}) => Promise<TidyState>} housekeeping
 * @property {() => Promise<TidyState>} tidy
 * @property {(root: string) => Promise<string>} share
 * @property {(root: string, where?: {path?: string}) => Promise<{root: string} | undefined>} remove
 * @property {(rootOrLink: string, options?: {path?: string, onProgress?: (progress: AnyProgress) => void,
 *   signal?: AbortSignal}) => Promise<Uint8Array>} get
 * @property {(rootOrLink: string, options?: {path?: string, onProgress?: (progress: AnyProgress) => void,
 *   signal?: AbortSignal}) => Promise<void>} save
 * @property {(root: string, offset: number, length: number, options?: {path?: string, signal?: AbortSignal}) => Promise<Uint8Array>}
 *   readRange
 * @property {(link: string, options: {onProgress?: (progress: FetchProgress) => void, signal?: AbortSignal}) =>
 *   Promise<FetchResult>} fetch
 * @property {(level: CheckLevel, options?: {onProgress?: (progress: AnyProgress) => void, signal?: AbortSignal}) =>
 *   Promise<CheckResult>} check
 * @property {() => Promise<PeerEntry[]>} peers
 * @property {() => Promise<MeshView | null>} mesh  null: in none
 * @property {(copies: number, root?: string) => Promise<void>} setReplication
 * @property {() => Promise<string>} invite  a text for one other, who joins without a server
 * @property {(text: string) => Promise<string>} answerInvitation  the reply to carry back
 * @property {(text: string) => Promise<void>} takeReply
 * @property {() => Promise<string>} newRoom  its link
 * @property {(roomLink?: string) => Promise<{link: string}>} join
 * @property {() => Promise<{link: string}>} leaveRoom  for the public one
 * @property {() => Promise<{link: string} | null>} room
 * @property {() => Promise<Record<string, number>>} stats
 * @property {() => Record<string, number> | null} metrics  null before there is a memory
 * @property {(event: NodeEvent, listener: (detail?: any) => void) => () => void} on
 * @property {() => Promise<void>} takeOver
 * @property {() => Promise<boolean>} persist
 * @property {(root: string) => Promise<{link: string, id: string}>} shareRevocable
 * @property {(root: string) => Promise<{id: string, link: string, timeMs: number}[]>} links  revocable ones that hold
 * @property {(id: string) => Promise<void>} revoke
 * @property {() => Promise<ProtectionState>} protection
 * @property {(passphrase: string, options?: {askAlways?: boolean, current?: Given}) => Promise<void>} setPassphrase
 * @property {(options?: {askAlways?: boolean, current?: Given}) => Promise<void>} addPasskey
 * @property {(askAlways: boolean, options?: {current?: Given}) => Promise<void>} setAskAlways
 * @property {(id: string) => Promise<void>} removeSlot
 * @property {() => Promise<void>} lock
 * @property {(given: Given) => Promise<void>} unlock
 * @property {(minutes: number) => Promise<void>} setIdleLock
 */

export {};

"""Every bound in INOS, with the relations between them asserted at import.

Units are in the names. What grows without a number here is a bug. Sources: vault-format 1.3 (blocks), security 1.2 and
1.3 (peers, server), RFC 8439 (AEAD).
"""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

# Blocks (vault-format 1.3)
BLOCK_HEADER_BYTES = 48
BLOCK_INNER_BYTES = 16
BLOCK_TAG_BYTES = 16
BLOCK_OVERHEAD_BYTES = BLOCK_HEADER_BYTES + BLOCK_INNER_BYTES + BLOCK_TAG_BYTES
BLOCK_BYTES_MAX = 4 * MIB
RAW_BYTES_MAX = 3_932_160  # 3.75 MiB: Padme keeps every block within BLOCK_BYTES_MAX

# Chunker (vault-format 1.3, gear64)
CHUNK_BYTES_MIN = 256 * KIB
CHUNK_BYTES_NORMAL = 1 * MIB
CHUNK_BYTES_MAX = RAW_BYTES_MAX
INLINE_BYTES_MAX = 16 * KIB

# Manifests (vault-format 1.3, 1.5)
MANIFEST_BYTES_MAX = 1 * MIB
MANIFEST_REFS_MAX = 8_192
MANIFEST_LEVEL_MAX = 3
CBOR_DEPTH_MAX = 8
NAME_BYTES_MAX = 255
MEDIA_TYPE_BYTES_MAX = 127
FILE_BYTES_MAX = 1 << 46

# Folders
DIR_PART_BYTES = 512 * KIB  # a folder's manifest beyond this is split by name range
DIR_ENTRIES_MAX = 8_192  # of one manifest
FOLDER_DEPTH_MAX = 32
FOLDER_ENTRIES_MAX = 100_000  # files and folders of one root, however deep

# Disk (vault-format 1.4)
SEGMENT_BYTES_MAX = 64 * MIB
SEGMENT_COUNT_MAX = 16_384
BLOCK_ALIGN_BYTES = 64
SUPERBLOCK_BYTES = 4 * KIB
LOG_RECORD_BYTES_MAX = 1 * MIB
COMMIT_INTERVAL_S = 0.05
COMMIT_BYTES_MAX = 4 * MIB

# Work in flight
WINDOW_BYTES = 4 * MIB + CHUNK_BYTES_MAX  # what one cut looks at: a full read plus the tail of the one before
READ_BYTES = 4 * MIB
IN_FLIGHT_BYTES_MAX = 64 * MIB
JOBS_MAX = 256
MUSCLES_MAX = 8
RING_READ_BYTES = 128 * KIB  # what one look into a ring copies at most (unless one frame is longer)

# Compute workers: each is a Python of its own, some 60 MB
COMPUTE_WORKERS_MAX = 12  # threads at once, those that are ending included
COMPUTE_HELD_MAX = 1_008  # references to arena blocks that one may hold: what its page of COMPUTE has room for
COMPUTE_TEXT_BYTES_MAX = 1 * MIB  # source, arguments, answer; what is larger goes through the arena
COMPUTE_NAME_CHARS_MAX = 64
COMPUTE_KEPT_MAX = 64  # ended workers that are still listed
COMPUTE_START_ATTEMPTS_MAX = 2
COMPUTE_START_TIMEOUT_S = 20.0  # a start takes 0.3 s; twelve at once on a slow phone take their time
COMPUTE_CANCEL_TIMEOUT_S = 2.0  # from KeyboardInterrupt to the thread's end by force
COMPUTE_END_TIMEOUT_S = 10.0  # for the browser to end a thread

# Peers (security 1.2)
MESSAGE_CONTROL_BYTES_MAX = 16 * KIB
MESSAGE_DATA_BYTES_MAX = 64 * KIB
PEERS_MAX = 64
DIALS_PENDING_MAX = 8
INVITATION_S = 600.0  # from an invitation's text to its reply's
INVITATIONS_MAX = 4
PAIRS_KEPT_MAX = 64  # keys shared with other nodes for in-band signals
MESH_QUEUE_BYTES_MAX = 256 * KIB  # control bytes waiting for a peer beyond which the mesh sends it nothing
AUTH_TIMEOUT_S = 10.0  # from an open channel to AUTH, whatever the peer says of itself
# Without the message that is awaited: an honest end answers within a turn of its brain and two round trips. Only where its net
# worker is heard, and says that its brain has not turned for longer than HANDSHAKE_BUSY_S, it has until AUTH_TIMEOUT_S: such a
# node is at work or on a slow machine. Whoever lies about that keeps one of DIALS_PENDING_MAX slots for so long, and no more.
HANDSHAKE_SILENT_S = 1.75  # over within 2 s (security.md, T15)
HANDSHAKE_BUSY_S = 0.5
HANDSHAKE_LOOK_S = 0.1
DIAL_TIMEOUT_S = 15.0
CLOCK_WINDOW_S = 120.0
# Control messages of one link. A downloader sends one want a block, up to 600 a second over a fast link, and now and then a
# cancel; the brain spends 0.1 ms on each, so one peer gets a tenth of it at most. The burst is what arrives at once after
# our brain was busy for half a second, and more than all wants, cancels and room proofs that can be on their way.
CONTROLS_PER_S_MAX = 1_000
CONTROLS_BURST_MAX = 500
WANTS_PER_PEER_MAX = 8  # block requests open at one peer
SERVES_PER_PEER_MAX = 8  # block requests one peer may have open at us
SERVES_TOTAL_MAX = 16
STALL_TIMEOUT_S = 6.0  # no byte of a wanted block for this long: ask somebody else. Others may be served before us
DRIP_TIMEOUT_S = 1.25  # bytes, but fewer than the floor: nobody who serves us does that (security 1.2, slow-loris)
DRIP_WINDOW_S = 0.5  # over which the floor is looked at: over less, a single fragment is a fine rate
RATE_FLOOR_BYTES_PER_S = 16 * KIB  # slower than this while we wait is as good as stalled
BAN_PENALTY = 100  # a peer whose penalties reach this is dropped

# Mesh: gossip (mesh.md 3.2, security 1.2)
GOSSIP_RUMOR_BYTES_MAX = MESSAGE_CONTROL_BYTES_MAX - 128  # an encoded rumor; its copy adds hops, signature and framing
GOSSIP_DATA_BYTES_MAX = 15_000  # what is published at once: sealing adds 80 bytes and up to 512 of padding
GOSSIP_TOPIC_CHARS_MAX = 64
GOSSIP_EAGER_LINKS = 3
GOSSIP_LIFE_S = 60.0  # of a rumor, as its author says; clocks may be this far apart either way
GOSSIP_LIFE_S_MAX = 120.0  # what is said to live longer, by our clock, is dropped
GOSSIP_SEEN_S = 120.0
GOSSIP_SEEN_MAX = 50_000
GOSSIP_CACHE_S = 30.0
GOSSIP_CACHE_BYTES_MAX = 4 * MIB
GOSSIP_TOPICS_MAX = 256  # whose trees a node remembers
GOSSIP_MISSING_MAX = 4_096  # rumors that are announced and have not come
GOSSIP_VERIFYING_MAX = 64  # rumors whose signatures are being checked
GOSSIP_PUBLISHING_MAX = 64
GOSSIP_OPENING_MAX = 256  # rumors that wait for being opened for a subscriber
GOSSIP_RATE_PER_S = 50  # new rumors of one topic from one peer
GOSSIP_BURST = 100
GOSSIP_VERIFIES_PER_PEER_S = 200
GOSSIP_VERIFIES_PER_S = 2_000
GOSSIP_IHAVES_PER_S = 10  # messages from one peer
GOSSIP_IHAVE_IDS_PER_S = 5_000  # ids in them
GOSSIP_IHAVE_IDS_MAX = 900  # in one message
GOSSIP_ASKED_IDS_MAX = 64  # rumors asked for by one message
GOSSIP_RESENDS_PER_S = 100  # rumors that one peer gets on asking
GOSSIP_RESENDS_MAX = 3  # of one rumor to one peer
GOSSIP_BATCH_S = 0.010
GOSSIP_GRAFT_TIMEOUT_S = 0.080  # at least
GOSSIP_LARGE_BYTES = 512  # a copy of this size is worth a message that spares it
GOSSIP_SYNC_INTERVAL_S = 30.0
GOSSIP_SYNC_LIST_MAX = 32  # a range of so few ids is listed
GOSSIP_SYNC_IDS_MAX = 512  # listed in one message
GOSSIP_SYNCED_MAX = 4_096  # ids that are compared; the newest
GOSSIP_SYNCS_PER_S = 20  # messages from one peer

# Rendezvous (security 1.3); the server's side
ROOM_MEMBERS_MAX = 64
ROOMS_PER_SOCKET_MAX = 64
SIGNAL_BYTES_MAX = 16 * KIB

# Passphrases: RFC 9106, section 4, second recommendation, with the one lane that WebAssembly has
STRETCH_MEMORY_KIB = 64 * KIB
STRETCH_PASSES = 3
STRETCH_LANES = 1
STRETCH_MEMORY_KIB_MAX = 256 * KIB  # what a file may ask for
STRETCH_PASSES_MAX = 16
STRETCH_LANES_MAX = 4
PASSPHRASE_BYTES_MAX = 1 * KIB

# Vault
ROOTS_MAX = 100_000
VERSIONS_MAX = 10_000  # steps of one file's line
BLOCKS_MAX = 4_000_000
GRANTS_MAX = 1_024  # revocable links, those that were revoked included
GRANT_BYTES_MAX = 1 * KIB  # sealed, as it travels

# Mesh: membership (mesh.md 3.2)
MESH_SIBLINGS_SIDE = 2  # neighbours by number, on each side
MESH_RANDOM_LINKS = 5
MESH_BIG_NODES = 30_000  # from here on two links a bucket
MESH_LINKS_SOFT = 24
MESH_LINKS_SOFT_BIG = 42
MESH_LINKS_HYSTERESIS = 4  # spare links above the soft cap before one is dropped
MESH_LINKS_MAX = 64
MESH_LINKS_HEADLESS_MAX = 200
MESH_PASSIVE_MAX = 64  # contacts without a link
MESH_PASSIVE_NEAR = 16  # of them the XOR-closest, never given up for others
MESH_PASSIVE_PROVED_MAX = 32  # of them such that we had a link with
MESH_REFERRALS_MAX = 8  # contacts that are looked at in one message
MESH_DIALS_PENDING_MAX = 3
MESH_DIAL_INTERVAL_S = 0.5
MESH_DIAL_TIMEOUT_S = 20.0  # longer than the carrier's own: a backstop
MESH_DIAL_RETRY_S = 2.0  # after a failure, doubled each time
MESH_DIAL_RETRY_MAX_S = 300.0
MESH_PEERS_DELAY_S = 0.1  # changes of our links are told together
MESH_TEND_INTERVAL_S = 1.0  # looks at the growth policy while something is missing
MESH_TEND_IDLE_S = 10.0
MESH_SHUFFLE_INTERVAL_S = 30.0
MESH_SHUFFLE_CONTACTS = 6
MESH_SHUFFLE_TTL = 4
MESH_HEAL_INTERVAL_S = 60.0
MESH_LOST_MAX = 32  # neighbours that fell silent, dialled now and then
MESH_LOST_S = 3600.0
MESH_HEAL_LOST_S = 10.0  # between such dials
MESH_HEAL_EAGER_S = 300.0  # after the loss; later with the rest, each MESH_HEAL_INTERVAL_S
MESH_CONTACT_AGE_MAX_S = 24 * 3600.0
KEPT_CONTACTS_MAX = 32  # of neighbours, from one run to the next
KEPT_BYTES_MAX = 16 * KIB
KEPT_FIRST_S = 5.0
KEPT_INTERVAL_S = 60.0
MESH_CONTACTS_CHECKED_MAX = 128  # remembered as verified
MESH_VERIFIES_PENDING_MAX = 64

# Mesh: failure detection (mesh.md 3.2)
MESH_PACE_CLOSE_MS = 250
MESH_PACE_FAR_MS = 1_000
MESH_PACE_SUSPECT_MS = 100  # while it is suspected: a few lost packets are told from a death
MESH_CLOSE_MAX = 8  # links at the close pace, of many
MESH_CLOSE_ALL = 12  # so few links are all at the close pace
MESH_MISSED_MAX = 3
MESH_PROBES = 8  # neighbours that are asked about a suspect
MESH_PROBE_TIMEOUT_S = 0.35  # three pings at the suspect's pace come back in it
MESH_REFUTE_S = 3.0
MESH_HIDDEN_FACTOR = 4
MESH_HEALTH_MAX = 8  # Lifeguard's local health multiplier
MESH_BRAIN_AGE_MAX_S = 5.0
MESH_ACCUSED_MAX = 64

# Mesh: routing and look-up
ROUTE_HOPS_MAX = 16
ROUTE_TIMEOUT_MIN_S = 0.15  # of one hop's Took; else three round trips
ROUTE_PATIENCE_S = 0.75  # more for the very node that is asked: lost packets are sent again after 0.4 s (dcsctp)
ROUTE_FAILURES_MAX = 3  # hops that one node tries in vain for one copy
ROUTE_LIFETIME_S = 10.0
ROUTE_RELAYS_MAX = 1_024  # copies remembered
LOOKUP_CLOSEST = 8
LOOKUP_COPIES = (2, 3, 4, 6, 6)  # of each round; the last two only where all before them led to nothing
LOOKUP_ROUND_S = 1.5
LOOKUP_GRACE_S = 0.3  # for further answers once one is good
LOOKUP_DIRECT_MAX = 10  # contacts that are asked by their exact ids
LOOKUP_WIDE_DIRECT_MAX = 16  # by who looks for keepers of a record
LOOKUPS_MAX = 64  # of our own at once
SIGNAL_COPIES_MAX = 3
SIGNAL_RETRY_S = 2.0  # for an answer, before another copy goes another way
SIGNAL_ANSWER_TIMEOUT_S = 6.0  # for one after the last copy
SIGNALS_PENDING_MAX = 16  # of others, being answered

# Mesh: provider records (mesh.md 3.2, security 1.2)
PROVIDER_TTL_S = 30 * 60.0
PROVIDER_REFRESH_S = 10 * 60.0
PROVIDER_REFRESH_JITTER_S = 2 * 60.0
PROVIDERS_PER_KEY_MAX = 32
CROWD_S = 60.0  # that many provide a key is believed for so long
CROWD_TELL_S = 300.0  # within which one more says that it provides it, too
CROWDS_MAX = 256
PROVIDER_KEYS_MAX = 1_000  # of one author, at one node
PROVIDER_BYTES_MAX = 16 * MIB  # of all, at one node
PROVIDES_MAX = 4_096  # keys that we provide
PROVIDES_PENDING_MAX = 4  # being told to their closest nodes at once
HANDOVER_DELAY_S = 2.0
HANDOVERS_PER_TURN_MAX = 32

assert COMPUTE_KEPT_MAX >= COMPUTE_WORKERS_MAX
assert RAW_BYTES_MAX + BLOCK_OVERHEAD_BYTES < BLOCK_BYTES_MAX
assert CHUNK_BYTES_MIN < CHUNK_BYTES_NORMAL < CHUNK_BYTES_MAX <= RAW_BYTES_MAX
assert INLINE_BYTES_MAX < CHUNK_BYTES_MIN
assert MANIFEST_REFS_MAX * 116 <= MANIFEST_BYTES_MAX
assert DIR_PART_BYTES + INLINE_BYTES_MAX + 2 * NAME_BYTES_MAX <= MANIFEST_BYTES_MAX
assert (
    FOLDER_ENTRIES_MAX * (INLINE_BYTES_MAX + 2 * NAME_BYTES_MAX) // (DIR_PART_BYTES - INLINE_BYTES_MAX)
    < MANIFEST_REFS_MAX
)
assert MANIFEST_BYTES_MAX <= RAW_BYTES_MAX
assert BLOCK_BYTES_MAX < SEGMENT_BYTES_MAX < 1 << 32
assert SEGMENT_BYTES_MAX % BLOCK_ALIGN_BYTES == 0
assert COMMIT_BYTES_MAX <= IN_FLIGHT_BYTES_MAX
assert WINDOW_BYTES * 2 <= IN_FLIGHT_BYTES_MAX
assert LOG_RECORD_BYTES_MAX < RAW_BYTES_MAX
assert MESSAGE_CONTROL_BYTES_MAX <= MESSAGE_DATA_BYTES_MAX
assert GRANT_BYTES_MAX + 100 <= MESSAGE_CONTROL_BYTES_MAX
assert SIGNAL_BYTES_MAX <= MESSAGE_CONTROL_BYTES_MAX
assert STRETCH_MEMORY_KIB <= STRETCH_MEMORY_KIB_MAX
assert STRETCH_PASSES <= STRETCH_PASSES_MAX
assert CONTROLS_BURST_MAX > 2 * (WANTS_PER_PEER_MAX + SERVES_PER_PEER_MAX + ROOMS_PER_SOCKET_MAX)
assert WANTS_PER_PEER_MAX * BLOCK_BYTES_MAX <= IN_FLIGHT_BYTES_MAX
assert SERVES_TOTAL_MAX * BLOCK_BYTES_MAX <= IN_FLIGHT_BYTES_MAX
assert GOSSIP_DATA_BYTES_MAX + BLOCK_OVERHEAD_BYTES + 512 + 128 <= GOSSIP_RUMOR_BYTES_MAX < MESSAGE_CONTROL_BYTES_MAX
assert GOSSIP_CACHE_S <= GOSSIP_LIFE_S < GOSSIP_LIFE_S_MAX <= GOSSIP_SEEN_S  # what is forgotten has expired: told once
assert GOSSIP_SYNCED_MAX * 16 <= 64 * KIB  # what the hash port takes at once
assert GOSSIP_IHAVE_IDS_MAX <= GOSSIP_IHAVE_IDS_PER_S
assert 2 * MESH_SIBLINGS_SIDE + MESH_RANDOM_LINKS < MESH_LINKS_SOFT < MESH_LINKS_SOFT_BIG < MESH_LINKS_MAX
assert MESH_LINKS_SOFT_BIG + MESH_LINKS_HYSTERESIS < MESH_LINKS_MAX <= MESH_LINKS_HEADLESS_MAX
assert MESH_PASSIVE_NEAR + MESH_PASSIVE_PROVED_MAX < MESH_PASSIVE_MAX
assert LOOKUP_CLOSEST <= MESH_REFERRALS_MAX
assert MESH_DIALS_PENDING_MAX <= DIALS_PENDING_MAX
assert HANDSHAKE_BUSY_S + HANDSHAKE_LOOK_S < HANDSHAKE_SILENT_S < AUTH_TIMEOUT_S < DIAL_TIMEOUT_S < MESH_DIAL_TIMEOUT_S
assert DRIP_WINDOW_S + DRIP_TIMEOUT_S < 2.0 < STALL_TIMEOUT_S
assert MESH_MISSED_MAX * MESH_PACE_CLOSE_MS / 1_000 + MESH_PROBE_TIMEOUT_S < 1.25 < MESH_REFUTE_S
assert MESH_PROBE_TIMEOUT_S > 3 * MESH_PACE_SUSPECT_MS / 1_000  # else a suspect had no chance to answer
assert ROUTE_TIMEOUT_MIN_S + ROUTE_PATIENCE_S < LOOKUP_ROUND_S
assert len(LOOKUP_COPIES) * LOOKUP_ROUND_S < ROUTE_LIFETIME_S
assert (SIGNAL_COPIES_MAX - 1) * SIGNAL_RETRY_S + SIGNAL_ANSWER_TIMEOUT_S <= ROUTE_LIFETIME_S < DIAL_TIMEOUT_S
assert PROVIDER_REFRESH_S + PROVIDER_REFRESH_JITTER_S < PROVIDER_TTL_S / 2
assert CROWD_S < CROWD_TELL_S < PROVIDER_REFRESH_S
assert LOOKUP_DIRECT_MAX <= LOOKUP_WIDE_DIRECT_MAX

# Mesh: replication
COPIES = 3  # of a bundle, the owner's among them, where nobody says otherwise
COPIES_MAX = 8
WRITE_QUORUM = 2  # durable copies before something is called safe
DEMAND_COPIES_MAX = 4  # beyond that number, of what is asked for often
HOLDERS_MAX = 16  # of one bundle, as told
BUNDLE_BYTES_MAX = 64 * MIB
BUNDLE_BLOCKS_MAX = 1_024
KEEP_ROWS_MAX = 320  # blocks named in one message
KEEP_PARTS_MAX = 4
BUNDLES_TOLD_MAX = 256  # names in one message
LEASE_S = 30 * 24 * 3600
DEMAND_LEASE_S = 600
RENEW_INTERVAL_S = 24 * 3600.0
GUEST_BYTES_PER_PEER_MAX = 512 * MIB
GUEST_BYTES_MAX = 4 * GIB  # kept for all others together, where the disk says nothing
GUEST_DISK_SHARE = 0.25  # of what the browser allows this vault
GUESTS_MAX = 100_000  # bundles
GUESTS_PER_PEER_MAX = 20_000
PULLS_MAX = 4  # bundles fetched at once
PULLS_QUEUED_MAX = 64  # Keeps taken and not begun
PULL_LANES = 2  # blocks of one bundle fetched at once
SOURCING_MAX = 16  # bundles that others were asked to take, and have not yet
KEEP_ANSWER_S = 3.0  # until Taking, Kept or Refused
KEEP_DIAL_S = 4.0  # for a link to somebody who is to be asked; then another is asked, though the dial may go on
TAKING_INTERVAL_S = 2.0
TAKING_TIMEOUT_S = 8.0  # without another Taking
REPAIR_NEXT_S = 1.0  # the next in the plan's order begins so much later than the one before it
PLACE_PATIENCE_S = 10.0  # until co-holders help an owner that lives, and is not done
QUIET_GRACE_S = 10.0  # for a hidden or frozen holder, while enough others live
LEFT_GRACE_S = 3.0  # for one that said goodbye: a page that is loaded anew is back by then
RETRY_S = 2.0  # where nobody can take a copy; doubled each time up to
RETRY_MAX_S = 60.0
HINT_TTL_S = 600.0
SURPLUS_GRACE_S = 30.0
AUDIT_FIRST_S = 5.0
AUDIT_INTERVAL_S = 3600.0
AUDIT_TIMEOUT_S = 10.0
AUDITS_PER_PEER_PER_MIN = 12  # that we answer
DISTRUST_S = 3600.0  # after a failed audit

assert WRITE_QUORUM <= COPIES <= COPIES_MAX
assert COPIES_MAX + DEMAND_COPIES_MAX <= HOLDERS_MAX
assert BLOCK_BYTES_MAX <= BUNDLE_BYTES_MAX <= GUEST_BYTES_PER_PEER_MAX <= GUEST_BYTES_MAX
assert BUNDLE_BLOCKS_MAX * 32 <= 64 * KIB, "a bundle's name is the hash of a small thing"
assert LEFT_GRACE_S + REPAIR_NEXT_S < 5.0, "a death is mended within 5 s of being noticed"
assert TAKING_INTERVAL_S * 3 < TAKING_TIMEOUT_S
assert PULLS_MAX * PULL_LANES * BLOCK_BYTES_MAX <= IN_FLIGHT_BYTES_MAX
assert GOSSIP_DATA_BYTES_MAX + BLOCK_OVERHEAD_BYTES + 512 + 128 <= GOSSIP_RUMOR_BYTES_MAX < MESSAGE_CONTROL_BYTES_MAX
assert GOSSIP_CACHE_S <= GOSSIP_LIFE_S < GOSSIP_LIFE_S_MAX <= GOSSIP_SEEN_S  # what is forgotten has expired: told once
assert GOSSIP_SYNCED_MAX * 16 <= 64 * KIB  # what the hash port takes at once
assert GOSSIP_IHAVE_IDS_MAX <= GOSSIP_IHAVE_IDS_PER_S

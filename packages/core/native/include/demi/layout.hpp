// The memory that JavaScript and C++ share, stated once.
//
// scripts/layout.mjs reads the `inline constexpr std::int32_t` lines of this file and writes src/layout.ts from them, so
// the two sides cannot disagree. Every index counts 32-bit words.
//
// Both sides run on one thread and never at the same time (JavaScript calls poll(), C++ returns), so plain loads and
// stores are enough; the index words still sit on separate cache lines, which costs nothing and lets a later engine
// move them to a second thread.
#pragma once

#include <cstdint>

namespace demi::layout {

// ---- control page: where the rest is, and the ring indices -------------------------------------------------------
inline constexpr std::int32_t kMagic = 0x44454d49;  // "DEMI"
inline constexpr std::int32_t kVersion = 6;

inline constexpr std::int32_t kWordMagic = 0;
inline constexpr std::int32_t kWordVersion = 1;
inline constexpr std::int32_t kWordSqEntries = 2;
inline constexpr std::int32_t kWordSqBase = 3;
inline constexpr std::int32_t kWordCqEntries = 4;
inline constexpr std::int32_t kWordCqBase = 5;
inline constexpr std::int32_t kWordTokens = 6;
inline constexpr std::int32_t kWordReturnedBase = 7;
inline constexpr std::int32_t kWordSlots = 8;
inline constexpr std::int32_t kWordSlotBase = 9;
inline constexpr std::int32_t kWordScratchBase = 10;
inline constexpr std::int32_t kWordClasses = 11;
inline constexpr std::int32_t kWordTokenBase = 12;  // room for JavaScript's token table: C++ never reads it

// Both rings are consumed whole, or nearly always: so each starts again at its first entry whenever that has happened, stays
// in the cache, and never wraps. These words count entries from there.
inline constexpr std::int32_t kWordSqTail = 48;         // written by JavaScript; C++ consumes all and puts 0
inline constexpr std::int32_t kWordWait = 49;           // written by JavaScript: microseconds the next poll may wait
inline constexpr std::int32_t kWordCqHead = 64;         // written by JavaScript
inline constexpr std::int32_t kWordCqTail = 80;         // written by C++; head and tail are 0 again once they are equal
inline constexpr std::int32_t kWordReturnedCount = 96;  // tokens that ended without a completion entry
inline constexpr std::int32_t kWordCqMore = 97;         // completions waiting for room in the ring
inline constexpr std::int32_t kWordClassBase = 100;     // up to kMaxClasses size classes
inline constexpr std::int32_t kControlWords = 128;

// ---- submission entry: four words --------------------------------------------------------------------------------
inline constexpr std::int32_t kEntryWords = 4;
inline constexpr std::int32_t kSqeOp = 0;   // opcode | flags << 8
inline constexpr std::int32_t kSqeQd = 1;   // queue descriptor
inline constexpr std::int32_t kSqeQt = 2;   // queue token chosen by JavaScript
inline constexpr std::int32_t kSqeArg = 3;  // push: sga; pop: most bytes wanted or 0; free: sga

// ---- completion entry: four words --------------------------------------------------------------------------------
inline constexpr std::int32_t kCqeQt = 0;      // 0 for a failed quiet push
inline constexpr std::int32_t kCqeResult = 1;  // bytes or 0; a negative errno on failure
inline constexpr std::int32_t kCqeValue = 2;   // pop: sga or 0; accept: the new queue descriptor
inline constexpr std::int32_t kCqeTag = 3;     // queue descriptor | (opcode - 1) << kTagOpcodeShift
inline constexpr std::int32_t kTagOpcodeShift = 30;

// ---- opcodes -----------------------------------------------------------------------------------------------------
inline constexpr std::int32_t kOpInvalid = 0;
inline constexpr std::int32_t kOpPush = 1;
inline constexpr std::int32_t kOpPop = 2;
inline constexpr std::int32_t kOpAccept = 3;
inline constexpr std::int32_t kOpConnect = 4;
inline constexpr std::int32_t kOpFree = 5;

// ---- push flags --------------------------------------------------------------------------------------------------
inline constexpr std::int32_t kFlagFree = 1;   // the libOS frees the sga when the push ends, whatever its result
inline constexpr std::int32_t kFlagQuiet = 2;  // no token (kSqeQt is 0), and no completion entry unless the push fails
inline constexpr std::int32_t kFlagTo = 4;     // datagram: send to the address kept with the sga's first segment

// ---- tokens, descriptors and sgas: a generation above an index, always positive -----------------------------------
inline constexpr std::int32_t kTokenIndexBits = 17;
inline constexpr std::int32_t kQueueIndexBits = 16;
inline constexpr std::int32_t kSlotIndexBits = 18;
inline constexpr std::int32_t kDerivedQueueBit = 0x20000000;  // queues made by combinators live in JavaScript

// ---- slot descriptor: sixteen words, one cache line ---------------------------------------------------------------
// An sga is a chain of slots, named by the handle of its first. JavaScript may write offset, length and address; the rest is
// for it to read: C++ keeps its own copy and trusts only that one.
inline constexpr std::int32_t kSlotWords = 16;
inline constexpr std::int32_t kSlotHandle = 0;    // current handle; 0 when the application does not own the slot
inline constexpr std::int32_t kSlotOffset = 1;    // first byte of the segment inside the slot
inline constexpr std::int32_t kSlotLength = 2;    // bytes in the segment
inline constexpr std::int32_t kSlotNext = 3;      // slot index + 1 of the next segment, 0 at the end
inline constexpr std::int32_t kSlotCapacity = 4;  // bytes in the slot
inline constexpr std::int32_t kSlotStart = 5;     // where the slot starts in the arena, in units of kSlotAlign
inline constexpr std::int32_t kSlotFamily = 6;    // 0 no address, 4 IPv4, 6 IPv6
inline constexpr std::int32_t kSlotPort = 7;
inline constexpr std::int32_t kSlotAddress = 8;  // four words: 4 or 16 bytes in network order
inline constexpr std::int32_t kSlotScope = 12;   // IPv6 scope id
inline constexpr std::int32_t kSlotAlign = 64;   // bytes

// ---- JavaScript's own tables of tokens, beside the rings so that its code works on one array, and so that their memory goes with
// the libOS and not with a garbage collection: C++ never reads them ---------------------------------------------------------
inline constexpr std::int32_t kTokenWords = 10;  // per token, and for one more, which ends the first table

// ---- size class: three words each ---------------------------------------------------------------------------------
inline constexpr std::int32_t kClassWords = 3;
inline constexpr std::int32_t kClassSize = 0;   // bytes in a slot
inline constexpr std::int32_t kClassFirst = 1;  // index of its first slot
inline constexpr std::int32_t kClassCount = 2;

// ---- limits ------------------------------------------------------------------------------------------------------
inline constexpr std::int32_t kMaxSegments = 16;
inline constexpr std::int32_t kMaxClasses = 8;
inline constexpr std::int32_t kScratchWords = 64;  // most slots handed to JavaScript in one refill

static_assert(kWordClassBase + kMaxClasses * kClassWords <= kControlWords);

}  // namespace demi::layout

// The files in /dev/shm in which libfabric's provider shm keeps what a process shares with its peers, one of each libOS. libfabric removes its
// own when it is closed; that of a process that was killed stays, some MiB of memory, until somebody removes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rendezvous.hpp"

namespace demi::rdma {

// A name for the `number`th libOS of this process.
std::string region_name(std::uint32_t number, std::uint32_t random);
bool is_region_name(std::string_view name);
// Marks the file as that of a process that lives, for as long as the descriptor is open: flock(2) is given back by the kernel whatever
// happens, and means the same to processes that see each other by different numbers. -1 and errno when it cannot be.
OwnFd hold_region(const std::string& name);
// False when no file has the name, or its process has ended.
bool is_held(const std::string& name);
// Removes those of this user's whose processes have ended. Returns how many. `directory`: for tests.
int remove_dead_regions(const std::string& directory = "/dev/shm");

}  // namespace demi::rdma

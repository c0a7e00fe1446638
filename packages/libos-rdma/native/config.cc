#include "config.hpp"

#include "demi/layout.hpp"

namespace demi::rdma {

bool read_options(const Config& config, Options& out, Failure& failure) {
  ConfigReader read(config, failure);
  read.text("provider", out.fabric.provider);
  read.text("device", out.fabric.device);
  read.address("address", out.fabric.address);
  read.number("credits", out.credits);
  read.number("slot", out.buffer);
  read.number("receives", out.receives);
  read.number("maxMessage", out.most_message);
  if (out.buffer == 0 || out.buffer % layout::kSlotAlign != 0)
    read.refuse("slot", "a multiple of " + std::to_string(layout::kSlotAlign));
  if (out.credits == 0) read.refuse("credits", "1 at least");
  return read.ok();
}

}  // namespace demi::rdma

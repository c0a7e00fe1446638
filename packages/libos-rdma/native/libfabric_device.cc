#include "libfabric_device.hpp"

#include <rdma/fi_errno.h>

#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace demi::rdma {

namespace {

Info make_hints(const FabricOptions& options, const std::string& provider) {
  Info hints(fi_allocinfo());
  if (!hints) return nullptr;
  hints->caps = FI_MSG;
  hints->mode = FI_CONTEXT | FI_CONTEXT2;  // Work::reserved
  hints->ep_attr->type = FI_EP_MSG;
  // Memory is registered and its descriptor passed always, also where a provider would do without.
  hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
  hints->domain_attr->threading = FI_THREAD_DOMAIN;
  hints->rx_attr->size = options.receives_per_endpoint;
  hints->fabric_attr->prov_name = ::strdup(provider.c_str());
  if (!options.device.empty()) hints->domain_attr->name = ::strdup(options.device.c_str());
  return hints;
}

int find_info(const FabricOptions& options, const std::string& provider, Info& out) {
  const Info hints = make_hints(options, provider);
  if (!hints) return -ENOMEM;
  fi_info* found = nullptr;
  std::string host;
  if (options.address.family != 0) host = options.address.host();
  const int error = fi_getinfo(FI_VERSION(1, 17), host.empty() ? nullptr : host.c_str(), nullptr,
                               host.empty() ? 0 : FI_SOURCE, hints.get(), &found);
  out.reset(found);
  return error;
}

void set_address(void*& where, std::size_t& length, const Address& address) {
  std::free(std::exchange(where, nullptr));
  length = 0;
  if (address.family == 0) return;
  sockaddr_storage storage;
  length = address.to_sockaddr(storage);
  where = std::malloc(length);
  if (where != nullptr) std::memcpy(where, &storage, length);
}

}  // namespace

int LibfabricDevice::find(const FabricOptions& options, std::string& message) {
  const bool choose = options.provider == "auto";
  int error = find_info(options, choose ? "verbs" : options.provider, info_);
  if (error != 0 && choose) error = find_info(options, "tcp", info_);
  if (error == 0) return 0;
  const std::string provider = choose ? "neither verbs nor tcp" : "provider " + options.provider;
  message = provider + ": libfabric finds no device for it";
  if (!options.device.empty()) message += " named \"" + options.device + "\"";
  if (options.address.family != 0) message += " with the address " + options.address.host();
  message += " (" + std::string(fi_strerror(-error)) + ")";
  return error == -FI_ENODATA ? -ENODEV : error;
}

int LibfabricDevice::open(std::string& message) {
  const int error =
      open_fid(fabric_, "fi_fabric", message, [&](auto** fid) { return fi_fabric(info_->fabric_attr, fid, nullptr); });
  if (error != 0) return error;
  return open_fid(domain_, "fi_domain", message,
                  [&](auto** fid) { return fi_domain(fabric_.get(), info_.get(), fid, nullptr); });
}

void LibfabricDevice::close() {
  memory_.reset();
  domain_.reset();
  fabric_.reset();
}

bool LibfabricDevice::is_tcp() const { return std::string_view(provider()) == "tcp"; }

int LibfabricDevice::register_memory(std::span<std::uint8_t> memory) {
  fid_mr* region = nullptr;
  const int error =
      fi_mr_reg(domain_.get(), memory.data(), memory.size(), FI_SEND | FI_RECV, 0, 1, 0, &region, nullptr);
  if (error == 0) memory_.reset(region);
  return error;
}

Info LibfabricDevice::info_for(const Address& from, const Address& to) const {
  Info info(fi_dupinfo(info_.get()));
  if (!info) return nullptr;
  // What the options say, unless the socket was bound.
  const bool own = from.family == 0 && info->src_addr != nullptr;
  const int family = to.family != 0 ? to.family : from.family;
  info->addr_format = family == 6 ? FI_SOCKADDR_IN6 : FI_SOCKADDR_IN;
  if (own && static_cast<const sockaddr*>(info->src_addr)->sa_family != (family == 6 ? AF_INET6 : AF_INET)) {
    set_address(info->src_addr, info->src_addrlen, {});
  } else if (!own) {
    set_address(info->src_addr, info->src_addrlen, from);
  }
  set_address(info->dest_addr, info->dest_addrlen, to);
  info->handle = nullptr;
  return info;
}

}  // namespace demi::rdma

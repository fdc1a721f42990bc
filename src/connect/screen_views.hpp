#pragma once

#include "connect/slots.hpp"
#include "connect/views.hpp"

#include <string_view>

// One function a screen: which value and which part its page gets. The pages themselves are in `pages/`.
namespace deputy::connect {

void put(Slots& slots, const AskView& view);
void put(Slots& slots, const CreateView& view);
void put(Slots& slots, const RoleView& view);
void put(Slots& slots, const ChecksView& view);
void put(Slots& slots, const ConnectedView& view);
void put(Slots& slots, const RotateView& view);
void put(Slots& slots, const UpdateView& view);
void put(Slots& slots, const DisconnectView& view);
void put(Slots& slots, const DisconnectedView& view);

// What the checks amount to, as the page's title and first line.
std::string_view headline(const ChecksView& view);

}  // namespace deputy::connect

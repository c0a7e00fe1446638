// A doubly linked list whose links live in its elements: nothing is allocated, and an element that dies leaves its
// list.
#pragma once

namespace demi::net {

// Derive from it once per list a class can be in; `Tag` tells them apart.
template <class T, class Tag = void>
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }

  bool linked() const { return next_ != this; }
  void unlink() {
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = this;
  }

 private:
  template <class, class>
  friend class List;
  ListHook* prev_ = this;
  ListHook* next_ = this;
};

template <class T, class Tag = void>
class List {
 public:
  using Hook = ListHook<T, Tag>;

  bool empty() const { return !head_.linked(); }

  // Moves the element here, from whichever list of the same tag it was in.
  void push_back(T& element) {
    Hook& hook = element;
    hook.unlink();
    hook.prev_ = head_.prev_;
    hook.next_ = &head_;
    head_.prev_->next_ = &hook;
    head_.prev_ = &hook;
  }

  T* pop_front() {
    if (empty()) return nullptr;
    Hook* hook = head_.next_;
    hook->unlink();
    return static_cast<T*>(hook);
  }

  // Takes all elements of `other`, which must not be this list; this list must be empty.
  void take(List& other) {
    if (other.empty()) return;
    head_.next_ = other.head_.next_;
    head_.prev_ = other.head_.prev_;
    head_.next_->prev_ = head_.prev_->next_ = &head_;
    other.head_.next_ = other.head_.prev_ = &other.head_;
  }

  template <class F>
  void for_each(F&& f) {
    for (Hook* hook = head_.next_; hook != &head_;) {
      Hook* next = hook->next_;
      f(*static_cast<T*>(hook));
      hook = next;
    }
  }

 private:
  Hook head_;
};

}  // namespace demi::net

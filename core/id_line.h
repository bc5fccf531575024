#ifndef FUSEBOX_CORE_ID_LINE_H_
#define FUSEBOX_CORE_ID_LINE_H_

#include <cstddef>
#include <list>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace fusebox {

// Gives back the memory of a hash map that has become far too large for what it holds. Cheap enough
// to be called after each removal.
template <typename Map>
void ShrinkIfSparse(Map& map) {
  constexpr size_t kSmall = 64, kSparse = 16;
  if (map.capacity() > kSmall && map.size() < map.capacity() / kSparse) map.rehash(0);
}

// Things in the order in which they came, each found and removed by its id.
//
//   IdLine<uint64_t, Tick> line;
//   line.Add(7, sooner);
//   line.Add(8, later);
//   line.Remove(7);        // returns true
//   line.front();          // returns {8, later}
//
// Every operation is O(1), amortized. Memory follows the size, up and down. Not thread-safe.
template <typename Id, typename Value>
class IdLine {
 public:
  struct Item {
    Id id;
    Value value;
  };

  // At the end. False, and nothing is added, if `id` is in it already.
  bool Add(const Id& id, Value value) {
    const auto [place, added] = places_.try_emplace(id);
    if (!added) return false;
    place->second = items_.insert(items_.end(), Item{id, std::move(value)});
    return true;
  }

  // Null if it is not in it.
  const Value* Find(const Id& id) const {
    const auto found = places_.find(id);
    return found == places_.end() ? nullptr : &found->second->value;
  }

  // False if it was not in it.
  bool Remove(const Id& id) {
    const auto found = places_.find(id);
    if (found == places_.end()) return false;
    items_.erase(found->second);
    places_.erase(found);
    ShrinkIfSparse(places_);
    return true;
  }

  // Who came first; not of an empty line.
  const Item& front() const { return items_.front(); }

  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }

 private:
  std::list<Item> items_;
  absl::flat_hash_map<Id, typename std::list<Item>::iterator> places_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_ID_LINE_H_

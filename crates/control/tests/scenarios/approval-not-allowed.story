      0s    the run begins
      0s    build/compile begins
      0s    build/compile success
      0s    build success
      0s    prod/ask waits for 2 approvals by role:operator, carol, for 3d at most
      0s    the run waits
      0s  > expect waiting approval prod/ask
      0s  > approve prod as alice is refused because whoever started the run does not count
      0s  > approve prod as mallory with no role is refused because it is for role:operator, carol
      0s  > reject prod as mallory with role:viewer is refused because it is for role:operator, carol
      0s  > approve prod as bob
      0s    bob approves prod/ask
      0s  > again is refused because received before
      0s  > approve prod as bob is refused because bob has approved this already
      0s  > expect run waiting

      0s    the run begins
      0s    build/compile begins
      2m    build/compile success
      2m    build success
      2m    prod/ask waits for 2 approvals by role:operator, carol, for 3d at most
      2m    the run waits
      2m  > expect waiting approval prod
      2m  > expect run waiting
      2m  > expect elapsed 2m
    1h2m  > after 1h approve prod as bob saying "looks good"
    1h2m    bob approves prod/ask: looks good
    1h2m  > expect run waiting
    3h2m  > after 2h approve prod as carol with no role
    3h2m    carol approves prod/ask
    3h2m    prod/ask success approved_by=bob, carol
    3h2m    prod/ship begins
    3h2m    the run goes on
 3h2m20s    prod/ship success deployment=dep_2 environment=prod release=v2 url=http://app.example.org
 3h2m20s    prod success
 3h2m20s    the run succeeded
 3h2m20s  > expect run succeeded
 3h2m20s  > expect step prod/ask outputs approved_by="bob, carol"
 3h2m20s  > expect environment prod at new release
 3h2m20s  > expect elapsed 3h2m20s

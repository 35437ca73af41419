package sizes

import "bytes"

// funcRecord is how many bytes runtime._func has between its entry and its
// lists.
const funcRecord = 40

// readFuncs attributes functions and what the table holds for each: its name,
// its two records, and the tables of lines and live variables that it is the
// first to use. Go's linker writes those in the order of the functions, and an
// equal one only once. data is where function data lies, in the file; its
// bytes go to the first user too.
func (a *attribution) readFuncs(p *pclntab, textLen uint64, data []slot) error {
	in, t := a.in, a.tally
	names, err := in.part(p.off+p.names, p.units-p.names)
	if err != nil {
		return err
	}
	end := p.n
	if a.md.tableEnd != 0 {
		end = int64(a.md.tableEnd - p.addr)
	}
	b, err := in.part(p.off+p.funcs, end-p.funcs)
	if err != nil {
		return err
	}
	o, step := in.order, p.entry(in)
	// In the older form both are whole words, and entries are addresses.
	entryAt := func(i int64) uint64 {
		if p.magic == pclnGo116 {
			return in.word(b, int(2*i)) - a.text
		}
		return uint64(o.Uint32(b[8*i:]))
	}
	recordAt := func(i int64) int64 {
		if p.magic == pclnGo116 {
			return int64(in.word(b, int(2*i+1)))
		}
		return int64(o.Uint32(b[8*i+4:]))
	}
	head := int64(4)
	if p.magic == pclnGo116 {
		head = int64(in.ptr)
	}
	fixed := funcRecord
	if p.magic != pclnGo120 {
		fixed -= 4 // no startLine
	}
	funcdata := int64(4)
	if p.magic == pclnGo116 {
		funcdata = int64(in.ptr) // addresses
	}
	var (
		previous slot = -1
		pcOwner  slot = -1
		pcFrom   int64
		pcMax    = int64(-1)
		pcLen    = p.funcs - p.pcs
	)
	code := func(s slot, from, to uint64) {
		if to > textLen || to <= from {
			return
		}
		if s < 0 {
			s = t.thing(Shared, "")
		}
		a.code.add(s, int64(to-from))
	}
	table := func(s slot, n int64) {
		if s >= 0 && n > 0 {
			a.tables.add(s, n)
		}
	}
	var lastEntry uint64
	for i := range p.nfunc {
		at := recordAt(i)
		if at < 0 || at+head+int64(fixed) > int64(len(b)) {
			break
		}
		rec := b[at:]
		name := cstring(names, uint64(o.Uint32(rec[head:])))
		s := t.pkg(packageOf(name))
		if s < 0 {
			// Assembly and what the compiler makes for types stands beside
			// the rest of its package.
			s = previous
		}
		previous = s
		from, to := entryAt(i), uint64(0)
		if (i+1)*step+4 <= int64(len(b)) {
			to = entryAt(i + 1)
		}
		if from >= lastEntry {
			code(s, from, to)
			lastEntry = max(from, to)
		}
		lists := rec[head:]
		npcdata, nfuncdata := int64(o.Uint32(lists[24:])), int64(lists[fixed-1])
		size := int64(fixed) + head + 4*npcdata + funcdata*nfuncdata
		if npcdata > 64 || at+size > int64(len(b)) {
			continue
		}
		table(s, size+step)
		first := int64(-1)
		seen := func(off int64) {
			if off > pcMax && off < pcLen && off > 0 && (first < 0 || off < first) {
				first = off
			}
		}
		top := pcMax
		for j := int64(0); j < 3; j++ {
			off := int64(o.Uint32(lists[12+4*j:]))
			seen(off)
			if off < pcLen {
				top = max(top, off)
			}
		}
		tail := lists[fixed:]
		for j := range npcdata {
			off := int64(o.Uint32(tail[4*j:]))
			seen(off)
			if off < pcLen {
				top = max(top, off)
			}
		}
		pcMax = top
		if first >= 0 {
			table(pcOwner, first-pcFrom)
			pcOwner, pcFrom = s, first
		}
		if p.magic == pclnGo120 || p.magic == pclnGo118 {
			for j := range nfuncdata {
				if off := o.Uint32(tail[4*(npcdata+j):]); int64(off) < int64(len(data)) && data[off] < 0 {
					data[off] = s
				}
			}
		}
	}
	table(pcOwner, pcLen-pcFrom)
	for len(names) > 0 {
		i := bytes.IndexByte(names, 0)
		if i < 0 {
			break
		}
		table(t.pkg(packageOf(names[:i])), int64(i)+1)
		names = names[i+1:]
	}
	return nil
}

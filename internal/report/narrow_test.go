package report

import (
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/i18n"
)

func TestTableOnNarrowTerminals(t *testing.T) {
	table := &Table{
		Sections: true,
		Columns: []Column{
			{Title: i18n.M("verify.size.packages")}, {Title: i18n.M("verify.size.code"), Right: true, Spare: true},
			{Title: i18n.M("verify.size.data"), Right: true, Spare: true}, {Title: i18n.M("verify.size.bytes"), Right: true},
		},
		Rows:  [][]string{{"模块"}, {"example.com/a/module/of/length", "100", "10", "110"}, {"标准库", "4", "1", "5"}},
		Notes: []i18n.Message{i18n.M("verify.size.total")},
	}
	for width, want := range map[int]string{
		0: `包                              代码  数据  字节

模块
example.com/a/module/of/length   100    10   110
标准库                             4     1     5

合计
`,
		42: `包                              代码  字节

模块
example.com/a/module/of/length   100   110
标准库                             4     5

终端太窄，未显示：数据
合计
`,
		32: `包                          字节

模块
example.com/a/module/of/length
                             110
标准库                         5

终端太窄，未显示：代码 · 数据
合计
`,
		20: `
模块

包    example.com/a/module/of/length
代码  100
数据  10
字节  110

包    标准库
代码  4
数据  1
字节  5

合计
`,
	} {
		var b strings.Builder
		if err := table.WriteText(&b, Style{Lang: i18n.Chinese, Width: width}); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); strings.TrimPrefix(got, "\n") != strings.TrimPrefix(want, "\n") {
			t.Errorf("at %d columns got\n%swant\n%s", width, got, want)
		}
	}
}

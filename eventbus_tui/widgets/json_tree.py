"""A payload as a tree that is built where it is unfolded."""

from typing import ClassVar, Final

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from ..marks import UNICODE, Marks
from ..payload import Branch, Json, Kind, branches, root
from .json_colours import JSON_CLASSES, json_css

AT_ONCE: Final = 200
"""Members that are added below one at a time."""


class _More:
    """Stands for members that are not there yet."""

    def __init__(self, value: Json, start: int, left: int) -> None:
        self.value = value
        self.start = start
        self.left = left


class JsonTree(Tree[Branch | _More]):
    """Shows one value. What is below a member is added when it is unfolded, in lots."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(JSON_CLASSES.values())
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False, id="table.down"),
        Binding("k", "cursor_up", "Up", show=False, id="table.up"),
        Binding("g", "scroll_home", "Beginning", show=False, id="table.first"),
        Binding("G", "scroll_end", "End", show=False, id="table.last"),
    ]
    DEFAULT_CSS = """
    JsonTree { height: 1fr; background: $background; scrollbar-size-vertical: 1; }
    JsonTree > .tree--cursor { text-style: none; color: $foreground; }
    """ + json_css("JsonTree")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(Text("-"), id=id)
        self.guide_depth = 2

    def on_mount(self) -> None:
        marks = getattr(self.app, "marks", UNICODE)
        if isinstance(marks, Marks) and marks.ascii:
            self.show_guides = False
            self.ICON_NODE, self.ICON_NODE_EXPANDED = "+ ", "- "

    def show(self, value: Json) -> None:
        """Show this value from now on, its first level unfolded."""
        self.clear()
        branch = root(value)
        self.root.data = branch
        self.root.set_label(Text(branch.text))
        self.root.allow_expand = branch.folds
        self.root.collapse()
        if branch.folds:
            self.root.expand()
            self._unfold(self.root)
        self.move_cursor(self.root)

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Branch | _More]) -> None:
        event.stop()
        self._unfold(event.node)

    def on_tree_node_selected(self, event: Tree.NodeSelected[Branch | _More]) -> None:
        event.stop()
        node, data = event.node, event.node.data
        if isinstance(data, _More) and node.parent is not None:
            parent = node.parent
            node.remove()
            self._add(parent, data.value, data.start)

    def render_label(self, node: TreeNode[Branch | _More], base_style: Style, style: Style) -> Text:
        data = node.data
        if data is None:
            return Text("")
        if isinstance(data, _More):
            return Text(f"… {data.left:,} more: enter", style=style + self._style("dim"))
        icon = ""
        if node.allow_expand:
            icon = self.ICON_NODE_EXPANDED if node.is_expanded else self.ICON_NODE
        text = Text(icon, style=base_style)
        if data.name:
            text.append(data.name, style + self._style("key"))
            text.append(": ", style + self._style("mark"))
        text.append(data.text, style + self._style(data.kind))
        return text

    def _unfold(self, node: TreeNode[Branch | _More]) -> None:
        if isinstance(node.data, Branch) and not node.children:
            self._add(node, node.data.value, 0)

    def _add(self, node: TreeNode[Branch | _More], value: Json, start: int) -> None:
        found, left = branches(value, start, AT_ONCE)
        for branch in found:
            node.add(Text(f"{branch.name}: {branch.text}"), branch, allow_expand=branch.folds)
        if left:
            node.add_leaf(Text("…"), _More(value, start + len(found), left))

    def _style(self, kind: Kind) -> Style:
        if not kind:
            return Style.null()
        return self.get_component_rich_style(JSON_CLASSES[kind], partial=True)
